//! The running task.

use aya_ebpf::helpers::bpf_get_current_task;

use super::{copy_u32, copy_u64};
use crate::constants::offset;

/// `PF_KTHREAD` (include/linux/sched.h, 5.10 to 7.2).
const PF_KTHREAD: u32 = 0x0020_0000;

/// Is the current task the one that runs this code, in a system call of its
/// own? `context` is an address on the stack in use.
///
/// It must lie on the task's stack, which softirqs and interrupts of kernel
/// code leave; an interrupt of user code stays there, but then the registers
/// saved at the stack's top say that no system call was made (`orig_ax` -1,
/// arch/x86/entry, 5.10 to 7.2). Elsewhere than on `x86_64` nothing is proven:
/// `thread_size` is 0.
#[inline(always)]
pub(crate) fn in_own_system_call(context: u64, thread_size: u32) -> bool {
    // SAFETY: the helper takes no arguments.
    let task = unsafe { bpf_get_current_task() };
    if copy_u32(task + u64::from(offset!(task_flags))) & PF_KTHREAD != 0 {
        return false;
    }
    let stack = copy_u64(task + u64::from(offset!(task_stack)));
    let size = u64::from(thread_size);
    if stack == 0 || context.wrapping_sub(stack) >= size {
        return false;
    }
    // Kernels with FRED keep 16 bytes free at the top (6.9+); the code segment
    // tells which it is.
    let top = stack + size;
    is_system_call(top).or_else(|| is_system_call(top - 16)) == Some(true)
}

/// Reads the last six words of `struct pt_regs`: `orig_ax`, ip, cs, flags, sp,
/// ss. `None` when they are no registers of user code.
#[inline(always)]
fn is_system_call(end: u64) -> Option<bool> {
    const USER_CS: u64 = 0x33;
    const USER32_CS: u64 = 0x23;
    let code_segment = copy_u64(end - 32) & 0xFFFF;
    if code_segment != USER_CS && code_segment != USER32_CS {
        return None;
    }
    Some(copy_u64(end - 48) >> 63 == 0)
}
