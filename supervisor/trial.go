package supervisor

// A rolling reload has no socket on which a new worker could be asked anything
// before clients get to it. If the pool has a probe, one worker of the new program
// is started apart, as for a swap, and asked there; then it goes, and the reload
// begins. It has a generation of its own, which clients never reach.

// beginTrial makes the candidate a trial.
func (p *pool) beginTrial() {
	p.trial, p.swap = true, swapWanted
}

// passTrial ends the trial and begins what it was for.
func (p *pool) passTrial() {
	p.abandonSwap()
	p.newest++
	p.candidate = p.newest
	if p.reloading() {
		next := *p.reload // published ones are never written to
		next.Generation = p.candidate
		p.reload = &next
	}
}

// wantedInCandidate is how many workers a candidate with a socket of its own must have.
func (p *pool) wantedInCandidate() int {
	if p.trial {
		return 1
	}
	return p.processes
}
