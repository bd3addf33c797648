//! The kernel programs: one function per hook, nothing else.
#![cfg_attr(target_arch = "bpf", no_std, no_main, feature(core_intrinsics))]
#![cfg_attr(
    target_arch = "bpf",
    expect(internal_features, reason = "the BPF target has no stable atomics"),
    expect(
        clippy::inline_always,
        reason = "5.10 verifies one large function faster than calls with pointers to map values"
    ),
    expect(
        clippy::multiple_unsafe_ops_per_block,
        reason = "naming a field of a raw pointer and accessing it are one step"
    ),
    expect(
        clippy::cast_possible_truncation,
        reason = "checked conversions would add branches that the verifier has to walk"
    ),
    expect(
        clippy::cast_sign_loss,
        reason = "a helper's result is known not to be negative where it is used"
    ),
    expect(
        clippy::cast_ptr_alignment,
        reason = "offsets inside an eight-byte aligned map value"
    ),
    expect(
        clippy::needless_pass_by_value,
        reason = "the entry point's signature is the macro's"
    )
)]

#[cfg(not(target_arch = "bpf"))]
fn main() {}

#[cfg(target_arch = "bpf")]
mod account;
#[cfg(target_arch = "bpf")]
mod chosen;
#[cfg(target_arch = "bpf")]
mod circumstances;
#[cfg(target_arch = "bpf")]
mod consequences;
#[cfg(target_arch = "bpf")]
mod constants;
#[cfg(target_arch = "bpf")]
mod death;
#[cfg(target_arch = "bpf")]
mod emit;
#[cfg(target_arch = "bpf")]
mod frame;
#[cfg(target_arch = "bpf")]
mod histograms;
#[cfg(target_arch = "bpf")]
mod hooks;
#[cfg(target_arch = "bpf")]
mod levels;
#[cfg(target_arch = "bpf")]
mod maps;
#[cfg(target_arch = "bpf")]
mod owner;
#[cfg(target_arch = "bpf")]
mod polls;
#[cfg(target_arch = "bpf")]
mod qdiscs;
#[cfg(target_arch = "bpf")]
mod skb;
#[cfg(target_arch = "bpf")]
mod tags;

#[cfg(target_arch = "bpf")]
#[panic_handler]
fn panic(_info: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}

#[cfg(target_arch = "bpf")]
#[unsafe(link_section = "license")]
#[unsafe(no_mangle)]
static LICENSE: [u8; 13] = *b"Dual MIT/GPL\0";
