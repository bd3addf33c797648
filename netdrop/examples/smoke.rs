use netdrop::kernel::{capture::*, symbols::Symbols};
use std::time::Instant;
fn main() {
    let t = Instant::now();
    let symbols = Symbols::load().unwrap();
    eprintln!("symbols {:?}", t.elapsed());
    let all = std::env::args().any(|a| a == "all");
    let stack = std::env::args().any(|a| a == "stack");
    let mut c = match Capture::start(
        &CaptureConfig {
            flows: Some(65536),
            emit: if all { Emit::All } else { Emit::Nothing },
            stack,
            lite: std::env::args().any(|a| a == "lite"),
            ring_bytes: 1 << 20,
        },
        &symbols,
    ) {
        Ok(c) => c,
        Err(e) => {
            let mut s: Option<&dyn std::error::Error> = Some(&e);
            while let Some(x) = s {
                eprintln!("error: {x}");
                s = x.source();
            }
            std::process::exit(1)
        }
    };
    eprintln!("ready {:?}", t.elapsed());
    for h in c.hooks() {
        eprintln!("{h:?}");
    }
    let s = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    for _ in 0..10 {
        let _ = s.send_to(b"x", "127.0.0.1:9");
    }
    std::thread::sleep(std::time::Duration::from_secs(1));
    let snap = c.collect().unwrap();
    println!(
        "{:?} {:?} rec {:?}",
        snap.seconds, snap.counters, snap.recursion_missed
    );
    for (k, w) in &snap.sites {
        println!("{k:?} {w:?} {:?}", symbols.resolve(k.location));
    }
    for (k, w) in snap.flows.iter().flatten() {
        println!("{:?} {w:?}", k.addrs);
    }
    for e in c.events(100).unwrap() {
        println!("{e:?}");
    }
    println!("{:?}", c.messages());
    println!(
        "{}",
        std::fs::read_to_string("/proc/self/status")
            .unwrap()
            .lines()
            .filter(|l| l.starts_with("VmRSS") || l.starts_with("VmHWM") || l.starts_with("Rss"))
            .collect::<Vec<_>>()
            .join("\n")
    );
    if std::env::args().any(|a| a == "wait") {
        std::thread::sleep(std::time::Duration::from_secs(100));
    }
}
