package config

import "encoding/json"

type plainPool Pool // without its methods

// UnmarshalJSON reads a pool that json.Marshal has written, perhaps in an earlier
// version: what that did not know has its default.
func (p *Pool) UnmarshalJSON(text []byte) error {
	pool := plainPool(newDraft(tablePool, Place{}, &Errors{}).pool)
	if err := json.Unmarshal(text, &pool); err != nil {
		return err
	}
	*p = Pool(pool)
	return nil
}
