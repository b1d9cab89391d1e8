// Package share lets many who ask for the same costly thing at once share one
// answer. It knows nothing of what that is.
package share
