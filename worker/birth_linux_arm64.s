#include "textflag.h"

// func birth(flags uintptr, pidfd *int32, calls *call, n uintptr, s *stumble) (pid uintptr)
//
// The child never returns from here and never writes to the stack, so that the
// parent finds its frame as it left it.
TEXT ·birth(SB),NOSPLIT,$0-48
	MOVD	flags+0(FP), R0
	MOVD	$0, R1			// the parent's stack: it sleeps meanwhile
	MOVD	pidfd+8(FP), R2
	MOVD	$0, R3
	MOVD	$0, R4
	MOVD	calls+16(FP), R9
	MOVD	n+24(FP), R10
	MOVD	s+32(FP), R11
	MOVD	$220, R8		// clone
	SVC
	CBZ	R0, child
	MOVD	R0, pid+40(FP)
	RET

child:
	MOVD	0(R9), R8
	MOVD	8(R9), R0
	MOVD	16(R9), R1
	MOVD	24(R9), R2
	MOVD	32(R9), R3
	MOVD	40(R9), R4
	MOVD	48(R9), R5
	SVC
	CMN	$4095, R0
	BCC	next
	MOVD	56(R9), R12
	CBNZ	R12, next
	NEG	R0, R0
	MOVD	R0, 0(R11)
	MOVD	R10, 8(R11)
	B	giveup

next:
	ADD	$64, R9
	SUB	$1, R10
	CBNZ	R10, child

giveup:
	MOVD	$127, R0
	MOVD	$94, R8			// exit_group
	SVC
	B	giveup
