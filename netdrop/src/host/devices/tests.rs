use std::{
    collections::HashMap,
    io,
    path::PathBuf,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use super::{
    Devices, PAUSE,
    interfaces::{Interface, Read, Reader},
};
use crate::host::netns::{Identity, Namespace, Namespaces, NetnsKind};

const OWN: u32 = 1;
const OTHER: u32 = 2;

/// A host with two namespaces, one device each.
#[derive(Clone, Debug, Default)]
struct Canned {
    devices: Arc<Mutex<HashMap<u32, (u32, &'static str)>>>,
    places: Arc<Mutex<Namespaces>>,
    refuses: bool,
    reads: Arc<Mutex<u32>>,
    /// Where processes live.
    homes: Arc<Mutex<HashMap<u32, u32>>>,
}

impl Canned {
    fn host() -> Self {
        let canned = Self::default();
        canned.set(OWN, 1, "lo");
        canned.set(OTHER, 7, "veth0");
        canned.places.lock().unwrap().insert(
            OTHER,
            Namespace {
                identity: Some(Identity::named("blue")),
                path: "/run/netns/blue".into(),
            },
        );
        canned
    }

    fn set(&self, netns: u32, index: u32, name: &'static str) {
        self.devices.lock().unwrap().insert(netns, (index, name));
    }

    fn list(&self, netns: u32) -> Read {
        *self.reads.lock().unwrap() += 1;
        let devices = self.devices.lock().unwrap();
        let (index, name) = *devices.get(&netns).ok_or(io::ErrorKind::NotFound)?;
        Ok(vec![Interface {
            index,
            name: name.to_owned(),
        }])
    }
}

impl Reader for Canned {
    fn own(&self) -> Option<u32> {
        Some(OWN)
    }

    fn named(&self) -> Namespaces {
        self.all()
    }

    fn all(&self) -> Namespaces {
        self.places.lock().unwrap().clone()
    }

    fn lives_in(&self, pid: u32, netns: u32) -> bool {
        self.homes.lock().unwrap().get(&pid) == Some(&netns)
    }

    fn here(&self) -> Read {
        self.list(OWN)
    }

    fn elsewhere(&self, namespaces: Vec<(u32, PathBuf)>) -> Vec<(u32, Read)> {
        namespaces
            .into_iter()
            .map(|(netns, _)| {
                let found = if self.refuses {
                    Err(io::ErrorKind::PermissionDenied.into())
                } else {
                    self.list(netns)
                };
                (netns, found)
            })
            .collect()
    }
}

fn devices(canned: &Canned) -> Devices {
    Devices::with(Box::new(canned.clone()))
}

/// Makes everything due again.
fn later(devices: &mut Devices) {
    let past = Instant::now().checked_sub(PAUSE + Duration::from_secs(1));
    devices.searched = past;
    for seen in devices.seen.values_mut() {
        seen.read = past;
    }
}

#[test]
fn devices_of_all_namespaces_have_names() {
    let mut devices = devices(&Canned::host());
    assert_eq!(devices.name(OWN, 1).as_deref(), Some("lo"));
    assert_eq!(devices.name(OTHER, 7).as_deref(), Some("veth0"));
    assert_eq!(devices.netns_name(OTHER), Some(Identity::named("blue")));
    assert_eq!(devices.name(0, 1), None);
    assert_eq!(devices.name(OWN, 0), None);
    assert_eq!(devices.netns_name(OWN), None);
}

#[test]
fn what_is_not_there_is_not_asked_for_all_the_time() {
    let canned = Canned::host();
    let mut devices = devices(&canned);
    for _ in 0..100 {
        assert_eq!(devices.name(OWN, 9), None);
    }
    assert_eq!(*canned.reads.lock().unwrap(), 1);
    canned.set(OWN, 9, "new0");
    later(&mut devices);
    assert_eq!(devices.name(OWN, 9).as_deref(), Some("new0"));
}

#[test]
fn a_renamed_device_gets_its_new_name_at_a_refresh() {
    let canned = Canned::host();
    let mut devices = devices(&canned);
    assert_eq!(devices.name(OTHER, 7).as_deref(), Some("veth0"));
    canned.set(OTHER, 7, "uplink");
    assert_eq!(devices.name(OTHER, 7).as_deref(), Some("veth0"));
    later(&mut devices);
    devices.refresh();
    assert_eq!(devices.name(OTHER, 7).as_deref(), Some("uplink"));
}

#[test]
fn what_is_gone_keeps_its_name() {
    let canned = Canned::host();
    let mut devices = devices(&canned);
    assert!(devices.name(OTHER, 7).is_some());
    canned.devices.lock().unwrap().remove(&OTHER);
    canned.places.lock().unwrap().clear();
    later(&mut devices);
    devices.refresh();
    assert_eq!(devices.name(OTHER, 7).as_deref(), Some("veth0"));
    assert_eq!(devices.netns_name(OTHER), Some(Identity::named("blue")));
    assert_eq!(devices.take_warning(), None);
}

#[test]
fn a_refusal_is_told_once_and_names_the_capability() {
    let mut canned = Canned::host();
    canned.refuses = true;
    let mut devices = devices(&canned);
    assert_eq!(devices.name(OTHER, 7), None);
    assert!(devices.take_warning().unwrap().contains("CAP_SYS_ADMIN"));
    later(&mut devices);
    assert_eq!(devices.name(OTHER, 7), None);
    assert_eq!(devices.take_warning(), None);
}

#[test]
fn only_namespaces_asked_for_are_read_again() {
    let canned = Canned::host();
    let mut devices = devices(&canned);
    devices.name(OTHER, 7);
    for _ in 0..3 {
        later(&mut devices);
        devices.refresh();
    }
    assert_eq!(*canned.reads.lock().unwrap(), 2);
}

#[test]
fn a_new_namespace_with_an_old_number_has_its_own_names() {
    let canned = Canned::host();
    let mut devices = devices(&canned);
    devices.name(OTHER, 7);
    canned.devices.lock().unwrap().remove(&OTHER);
    canned.places.lock().unwrap().clear();
    later(&mut devices);
    devices.refresh();
    canned.set(OTHER, 7, "eth0");
    let path = "/proc/9/ns/net".into();
    canned.places.lock().unwrap().insert(
        OTHER,
        Namespace {
            identity: None,
            path,
        },
    );
    devices.name(OTHER, 7);
    later(&mut devices);
    devices.refresh();
    assert_eq!(devices.name(OTHER, 7).as_deref(), Some("eth0"));
    assert_eq!(devices.netns_name(OTHER), None);
}

#[test]
fn a_namespace_named_by_a_process_gets_a_new_name_when_that_has_left() {
    let canned = Canned::host();
    let by_process = |pid: u32| Identity {
        name: format!("pid:{pid}(sleep)").into(),
        kind: NetnsKind::Process,
        process: Some(pid),
    };
    let inhabit = |pid: u32| {
        canned.homes.lock().unwrap().insert(pid, OTHER);
        canned.places.lock().unwrap().insert(
            OTHER,
            Namespace {
                identity: Some(by_process(pid)),
                path: format!("/proc/{pid}/ns/net").into(),
            },
        );
    };
    let leave = |pid| {
        canned.homes.lock().unwrap().remove(&pid);
        canned.places.lock().unwrap().remove(&OTHER);
    };
    inhabit(20);
    let mut devices = devices(&canned);
    assert_eq!(devices.netns_name(OTHER), Some(by_process(20)));
    later(&mut devices);
    devices.refresh();
    assert_eq!(devices.netns_name(OTHER), Some(by_process(20)));
    leave(20);
    inhabit(30);
    later(&mut devices);
    devices.refresh();
    assert_eq!(devices.netns_name(OTHER), Some(by_process(30)));
    // Nobody is left: the last name stays.
    leave(30);
    later(&mut devices);
    devices.refresh();
    assert_eq!(devices.netns_name(OTHER), Some(by_process(30)));
}
