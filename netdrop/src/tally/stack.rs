//! Kernel stacks, named.

use super::names::Names;
use crate::kernel::symbols::plain_name;

/// The frames from the one that freed the packet on: those inside of it belong
/// to the tracepoint and to ourselves.
#[must_use]
pub fn from_death(frames: &[u64], location: u64) -> &[u64] {
    let first = frames.iter().position(|frame| *frame == location);
    &frames[first.unwrap_or_default()..]
}

/// `function+0x1a` for each frame, innermost first, from the one that freed the
/// packet on.
pub fn frames(stack: &[u64], location: u64, names: &mut dyn Names) -> Vec<String> {
    from_death(stack, location)
        .iter()
        .map(|address| match names.function(*address) {
            Some(place) => {
                let function = plain_name(&place.function);
                format!("{function}+{:#x}", place.offset)
            }
            None => format!("{address:#x}"),
        })
        .collect()
}
