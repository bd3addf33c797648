//! The keys that the table groups by, switched one by one.

use crate::tally::key::{By, Key};

/// A key that switches keys of the table.
#[derive(Clone, Copy, Debug)]
pub struct Switch {
    /// What is pressed.
    pub letter: char,
    /// What it is called.
    pub name: &'static str,
    /// The same where there is little room.
    pub short: &'static str,
    keys: &'static [Key],
}

/// Every switch, in the order in which they are shown.
pub const SWITCHES: [Switch; 14] = [
    switch('S', "stage", "stage", &[Key::Stage]),
    switch('R', "reason", "reason", &[Key::Reason]),
    switch('F', "function", "function", &[Key::Function]),
    switch('D', "device", "device", &[Key::Device]),
    switch('N', "netns", "netns", &[Key::Netns]),
    switch('C', "cpu", "cpu", &[Key::Cpu]),
    switch('P', "protocol", "proto", &[Key::Protocol]),
    switch('A', "source address", "src", &[Key::Src]),
    switch('X', "source port", "sport", &[Key::SrcPort]),
    switch('B', "destination address", "dst", &[Key::Dst]),
    switch('Y', "destination port", "dport", &[Key::DstPort]),
    switch(
        'L',
        "flow",
        "flow",
        &[
            Key::Protocol,
            Key::Src,
            Key::SrcPort,
            Key::Dst,
            Key::DstPort,
        ],
    ),
    switch('I', "direction", "dir", &[Key::Direction]),
    switch('V', "severity", "sev", &[Key::Severity]),
];

const fn switch(
    letter: char,
    name: &'static str,
    short: &'static str,
    keys: &'static [Key],
) -> Switch {
    Switch {
        letter,
        name,
        short,
        keys,
    }
}

impl Switch {
    /// The switch of a letter.
    #[must_use]
    pub fn find(letter: char) -> Option<Self> {
        SWITCHES.into_iter().find(|switch| switch.letter == letter)
    }

    /// Are its keys grouped by?
    #[must_use]
    pub fn is_on(self, by: &By) -> bool {
        self.keys.iter().all(|key| by.has(*key))
    }

    /// The keys with these switched on, last, or off; `None` where no key would
    /// be left.
    #[must_use]
    pub fn press(self, by: &By) -> Option<By> {
        let Self { keys, .. } = self;
        let now = by.keys().iter().copied();
        let by = if self.is_on(by) {
            By::of(now.filter(|key| !keys.contains(key)))
        } else {
            By::of(now.chain(keys.iter().copied()))
        };
        (!by.keys().is_empty()).then_some(by)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_of_by_has_a_switch_of_its_own_letter() {
        let all = "stage,reason,function,device,netns,cpu,protocol,flow,src,dst,src_port,\
                   dst_port,direction,severity";
        let all: By = all.parse().unwrap();
        for key in all.keys() {
            let mut switches = SWITCHES.iter();
            assert!(switches.any(|switch| switch.keys == [*key]), "{key:?}");
        }
        let letters: std::collections::HashSet<char> =
            SWITCHES.iter().map(|switch| switch.letter).collect();
        assert_eq!(letters.len(), SWITCHES.len());
    }

    #[test]
    fn keys_are_switched_on_behind_the_others_and_off() {
        let press = |letter, by: &By| Switch::find(letter).unwrap().press(by);
        let by: By = "stage,reason".parse().unwrap();
        let by = press('D', &by).unwrap();
        assert_eq!(by.keys(), [Key::Stage, Key::Reason, Key::Device]);
        let by = press('S', &by).unwrap();
        let by = press('R', &by).unwrap();
        assert_eq!(by.keys(), [Key::Device]);
        assert_eq!(press('D', &by), None);
        let by = press('L', &by).unwrap();
        assert_eq!(by.keys().len(), 6);
        assert!(Switch::find('A').unwrap().is_on(&by));
        assert_eq!(press('L', &by), Some(By::of([Key::Device])));
        assert!(Switch::find('z').is_none());
    }
}
