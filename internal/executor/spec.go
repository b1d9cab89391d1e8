package executor

import (
	"fcgi-supervisor/internal/config"
	"fcgi-supervisor/worker"
)

// Spec is what a worker of p would be born with now, but for its socket and the
// marks by which a supervisor knows its workers. It is for whoever tries out a
// worker without a supervisor; inherited looks up what the supervisor's environment
// has, or would have.
func Spec(p config.Pool, inherited func(name string) (value string, set bool)) (worker.Spec, error) {
	b, err := newBirth(p, inherited)
	if err != nil {
		return worker.Spec{}, err
	}
	spec := b.spec
	spec.Env = append(append([]string{}, b.spec.Env...), poolVariable+"="+p.Name, workerVariable+"=0", generationVariable+"=1")
	return spec, nil
}
