"""Whether alerts catch faults and leave clean partitions alone, beside other methods on the same partitions."""
