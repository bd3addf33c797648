//! What told the stage of a drop.

/// What told the stage, the most certain first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Evidence {
    /// The reason.
    Reason,
    /// The function, alone or with the reason.
    Function,
    /// The drop's own stack.
    Stack,
    /// A hook that the packet passed on its way.
    Tag,
    /// Route, devices and headers of the packet.
    State,
    /// The stack of another drop of the same site: a hint, no proof.
    Hint,
    /// Nothing: the stage is unknown.
    Nothing,
}

impl Evidence {
    /// The word used in every output; `None` where nothing told.
    #[must_use]
    pub const fn as_str(self) -> Option<&'static str> {
        Some(match self {
            Self::Reason => "reason",
            Self::Function => "function",
            Self::Stack => "stack",
            Self::Tag => "tag",
            Self::State => "state",
            Self::Hint => "hint",
            Self::Nothing => return None,
        })
    }
}
