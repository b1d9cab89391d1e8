#include "textflag.h"

// func birth(flags uintptr, pidfd *int32, calls *call, n uintptr, s *stumble) (pid uintptr)
//
// The child never returns from here and never writes to the stack, so that the
// parent finds its frame as it left it.
TEXT ·birth(SB),NOSPLIT,$0-48
	MOVQ	flags+0(FP), DI
	XORQ	SI, SI			// the parent's stack: it sleeps meanwhile
	MOVQ	pidfd+8(FP), DX
	XORQ	R10, R10
	XORQ	R8, R8
	MOVQ	calls+16(FP), R12
	MOVQ	n+24(FP), R13
	MOVQ	s+32(FP), BX
	MOVQ	$56, AX			// clone
	SYSCALL
	TESTQ	AX, AX
	JZ	child
	MOVQ	AX, pid+40(FP)
	RET

child:
	MOVQ	0(R12), AX
	MOVQ	8(R12), DI
	MOVQ	16(R12), SI
	MOVQ	24(R12), DX
	MOVQ	32(R12), R10
	MOVQ	40(R12), R8
	MOVQ	48(R12), R9
	SYSCALL
	CMPQ	AX, $0xfffffffffffff001
	JCS	next
	CMPQ	56(R12), $0
	JNE	next
	NEGQ	AX
	MOVQ	AX, 0(BX)
	MOVQ	R13, 8(BX)
	JMP	giveup

next:
	ADDQ	$64, R12
	DECQ	R13
	JNZ	child

giveup:
	MOVQ	$127, DI
	MOVQ	$231, AX		// exit_group
	SYSCALL
	JMP	giveup
