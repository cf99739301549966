//! AMX where there is none: a handler for illegal instructions that executes them, so that the very
//! same compiled kernels run.
//!
//! [`decode`] reads the instruction at which the thread stopped, [`machine`] executes it on the
//! thread's own tiles; the handler then steps over it. Anything else that traps ends the process, as
//! it would have.

mod decode;
mod machine;
mod tests;

use std::cell::RefCell;
use std::sync::Once;

use decode::decode;
use machine::Machine;

thread_local! {
    // Initialised at compile time and never dropped, so that a signal handler may touch it.
    static MACHINE: RefCell<Machine> = const { RefCell::new(Machine::new()) };
}

/// Executes AMX instructions of this process from now on.
pub fn install() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // SAFETY: the action is filled in as sigaction(2) asks; the handler only computes and touches
        // memory that the stopped instruction would have touched.
        unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            action.sa_sigaction = on_illegal_instruction as *const () as usize;
            action.sa_flags = libc::SA_SIGINFO;
            assert_eq!(libc::sigaction(libc::SIGILL, &raw const action, std::ptr::null_mut()), 0);
        }
    });
}

/// Number of AMX instructions this thread has executed by emulation.
pub fn executed() -> u64 {
    MACHINE.with_borrow(|machine| machine.executed)
}

/// Whether this thread's tiles are released.
pub fn released() -> bool {
    MACHINE.with_borrow(|machine| !machine.configured())
}

/// The general registers in the order instructions number them.
const ORDER: [libc::c_int; 16] = [
    libc::REG_RAX,
    libc::REG_RCX,
    libc::REG_RDX,
    libc::REG_RBX,
    libc::REG_RSP,
    libc::REG_RBP,
    libc::REG_RSI,
    libc::REG_RDI,
    libc::REG_R8,
    libc::REG_R9,
    libc::REG_R10,
    libc::REG_R11,
    libc::REG_R12,
    libc::REG_R13,
    libc::REG_R14,
    libc::REG_R15,
];

/// The longest instruction.
const LONGEST: usize = 15;

extern "C" fn on_illegal_instruction(_signal: libc::c_int, _info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    // SAFETY: the kernel hands over the context of the stopped thread. Code is followed by other code
    // of the process, so that the longest instruction is readable. The addresses that the instruction
    // names are those the kernel under test hands to it; a wrong one faults here as it would there.
    let outcome = unsafe {
        let registers = &mut (*context.cast::<libc::ucontext_t>()).uc_mcontext.gregs;
        let general = ORDER.map(|r| registers[r as usize] as u64);
        let at = registers[libc::REG_RIP as usize] as *const u8;
        let code = std::slice::from_raw_parts(at, LONGEST);
        decode(code, &general).ok_or("an illegal instruction that is not of AMX\n").and_then(|(instruction, length)| {
            registers[libc::REG_RIP as usize] += length as i64;
            MACHINE.with_borrow_mut(|machine| machine.execute(instruction))
        })
    };
    if let Err(why) = outcome {
        // SAFETY: both calls are allowed in a handler.
        unsafe {
            libc::write(libc::STDERR_FILENO, why.as_ptr().cast(), why.len());
            libc::abort();
        }
    }
}
