package executor

// Mark is the variable that workers of a lineage have in their environment, as
// K=V.
func Mark(lineage string) string { return lineageVariable + "=" + lineage }
