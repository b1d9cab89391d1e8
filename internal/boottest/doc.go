// Package boottest boots real init systems, systemd and sysvinit, as PID 1 in
// namespaces (.ci/boot-test), installs the program in them as a user would, and
// watches it through reboots, power cuts, reloads and mistakes. It has no code
// outside of its tests.
package boottest
