package config

// Inheritable says that workers may be given the supervisor's variable of this
// name: it is a name, and not one of the supervisor's own.
func Inheritable(name string) bool { return nameFault(name) == "" && !private(name) }
