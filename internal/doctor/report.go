package doctor

import "slices"

// Verdict is what came of one point.
type Verdict string

// Verdicts.
const (
	OK      Verdict = "ok"
	Problem Verdict = "problem"
	Unknown Verdict = "unknown" // could not check; the text says why
)

// weight says how much a problem explains: a lighter one is, probably, the
// consequence of a heavier one.
type weight int

const (
	trifle      weight = iota // wrong, but not why nothing works
	consequence               // follows from whatever else was found
	ground                    // explains by itself why nothing works
	proof                     // was seen to make the difference
)

// Finding is what came of one point that was looked at.
type Finding struct {
	Check   string   `json:"check"` // the point, in one or two words
	Verdict Verdict  `json:"verdict"`
	Text    string   `json:"text"`             // one sentence
	Remedy  string   `json:"remedy,omitempty"` // what probably helps: a command, or what to change
	Detail  []string `json:"detail,omitempty"` // quoted output, or what was tried

	weight weight
}

// Report is everything that was found, in the order of looking.
type Report struct {
	Pool     string    `json:"pool"`
	Healthy  bool      `json:"healthy"` // no problem was found
	Cause    *Finding  `json:"cause"`   // the problem that explains the others; null: there is none
	Findings []Finding `json:"findings"`
}

func (r *Report) add(f Finding) { r.Findings = append(r.Findings, f) }

func (r *Report) ok(check, text string, detail ...string) {
	r.add(Finding{Check: check, Verdict: OK, Text: text, Detail: detail})
}

func (r *Report) unknown(check, text, remedy string) {
	r.add(Finding{Check: check, Verdict: Unknown, Text: text, Remedy: remedy})
}

func (r *Report) problem(w weight, check, text, remedy string, detail ...string) {
	r.add(Finding{Check: check, Verdict: Problem, Text: text, Remedy: remedy, Detail: detail, weight: w})
}

// has says that a problem of that weight, or more, was found.
func (r *Report) has(w weight) bool {
	return slices.ContainsFunc(r.Findings, func(f Finding) bool { return f.Verdict == Problem && f.weight >= w })
}

// conclude names the cause: of the problems that explain most the first.
func (r *Report) conclude() {
	for i, f := range r.Findings {
		if f.Verdict == Problem && (r.Cause == nil || f.weight > r.Cause.weight) {
			r.Cause = &r.Findings[i]
		}
	}
	r.Healthy = r.Cause == nil
}
