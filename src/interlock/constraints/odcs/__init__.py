"""The Open Data Contract Standard, version 3: contracts read from it and written as it.

https://bitol-io.github.io/open-data-contract-standard/. What a contract says and
Interlock cannot is never dropped: `Imported.unmapped` names each such place.
"""

from interlock.constraints.odcs.reading import Imported, loads
from interlock.constraints.odcs.tracked import Unmapped
from interlock.constraints.odcs.writing import dumps

__all__ = ["Imported", "Unmapped", "dumps", "loads"]
