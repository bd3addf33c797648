//! The name that was meant when a name is unknown.

/// Most names that are offered.
const MOST: usize = 5;
/// Shorter words are part of too many names.
const SHORTEST_PART: usize = 3;

/// The names that a misspelt word most likely meant, the likeliest first; none
/// where nothing is near.
pub fn nearest<'a>(word: &str, names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let word = word.to_ascii_lowercase();
    let limit = (word.chars().count() / 3).min(4);
    let mut near: Vec<(usize, &str)> = names
        .filter_map(|name| {
            let distance = strsim::osa_distance(&word, &name.to_ascii_lowercase());
            (distance <= limit).then_some((distance, name))
        })
        .collect();
    near.sort_unstable();
    near.dedup();
    near.truncate(MOST);
    near.into_iter().map(|(_, name)| name).collect()
}

/// [`nearest`], then names that the word is a part of, the shortest first.
pub fn nearest_or_part<'a>(
    word: &str,
    names: impl Iterator<Item = &'a str> + Clone,
) -> Vec<&'a str> {
    let mut found = nearest(word, names.clone());
    if word.len() >= SHORTEST_PART {
        let word = word.to_ascii_lowercase();
        let mut holding: Vec<&str> = names
            .filter(|name| name.to_ascii_lowercase().contains(&word) && !found.contains(name))
            .collect();
        holding.sort_unstable_by_key(|name| (name.len(), *name));
        holding.dedup();
        found.extend(holding);
        found.truncate(MOST);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::{nearest, nearest_or_part};

    const NAMES: [&str; 4] = ["NETFILTER_DROP", "rx_backlog", "CPU_BACKLOG", "netfilter"];

    #[test]
    fn misspelt_names_are_found_whatever_their_case() {
        let near = |word| nearest(word, NAMES.into_iter());
        assert_eq!(near("netfliter_drop"), ["NETFILTER_DROP"]);
        assert_eq!(near("rx_baklog"), ["rx_backlog"]);
        assert_eq!(near("xyzzyxyzzy"), [""; 0]);
        assert_eq!(near(""), [""; 0]);
    }

    #[test]
    fn a_part_of_a_name_finds_it() {
        let near = |word| nearest_or_part(word, NAMES.into_iter());
        assert_eq!(near("backlog"), ["rx_backlog", "CPU_BACKLOG"]);
        assert_eq!(near("NETFILTE"), ["netfilter", "NETFILTER_DROP"]);
        assert_eq!(near("x"), [""; 0]);
    }
}
