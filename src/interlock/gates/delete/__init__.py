"""The delete gate: nothing that the vault acknowledged goes before its time, or by one person's doing.

What is asked for is a request (`gate`). It is done at once, refused, or waits for a second
person (`approval`): where it affects more models than one person's doings may (`radius`), or
what it affects is in use (`uses`). Only `collector` removes bytes.
"""
