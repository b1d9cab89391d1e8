// Package notify speaks to the service manager that started us, by the protocol
// of sd_notify(3), and keeps its variables from everybody else. It knows no pool;
// what is to be said, and when, is its caller's.
package notify
