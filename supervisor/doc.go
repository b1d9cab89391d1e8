// Package supervisor holds the facts about pools and decides what to do next.
//
// One goroutine, the loop, owns all pool state. Everything that can happen
// reaches it as a message; it records the fact, asks decide(now) what follows,
// hands the actions to an Executor and publishes a Snapshot. The package opens,
// reads, forks and parses nothing: it runs whole under virtual time.
package supervisor
