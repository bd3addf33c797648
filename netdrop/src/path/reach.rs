//! How commands get to the network namespace that they are for.

use std::path::Path;

use crate::drops::next::Place;

/// What stands before commands, with a space behind it; nothing where a shell is
/// there already.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    /// For those about the namespace that is looked at.
    pub(super) here: String,
    /// For those about settings that only the first namespace has.
    pub(super) first: String,
}

impl Reach {
    /// `here` is the name (of `ip netns`) or else the path of the namespace that is
    /// looked at, where the caller's is another; `first` the path of the first one,
    /// where the caller's is another.
    #[must_use]
    pub fn new(here: Option<Result<&str, &Path>>, first: Option<&Path>) -> Self {
        let way = |place: Option<Place>| {
            let prefix = place.and_then(|place| place.prefix());
            prefix.map(|prefix| prefix + " ").unwrap_or_default()
        };
        let file = |path: &Path| Place::File(path.display().to_string());
        Self {
            here: way(here.map(|here| match here {
                Ok(name) => Place::Named(name.into()),
                Err(path) => file(path),
            })),
            first: way(first.map(file)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_go_where_they_are_meant_to_run() {
        let host = Path::new("/proc/2/ns/net");
        for (here, first, meant) in [
            (None, None, ["", ""]),
            (Some(Ok("shop")), None, ["ip netns exec shop ", ""]),
            (
                Some(Err(Path::new("/proc/42/ns/net"))),
                None,
                ["nsenter --net=/proc/42/ns/net ", ""],
            ),
            (None, Some(host), ["", "nsenter --net=/proc/2/ns/net "]),
        ] {
            let reach = Reach::new(here, first);
            assert_eq!([reach.here, reach.first], meant);
        }
    }
}
