// Package archtest keeps the direction of imports: docs/design.md draws the rooms,
// this test holds the code to the drawing.
package archtest
