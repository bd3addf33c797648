//! Boots one kernel and listens to it.

use std::{
    fs::{self, File},
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
    sync::mpsc::{self, Receiver, RecvTimeoutError},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};

use crate::{command, lab::LabRun};

/// What `init.sh` prints last, before the lab's exit code.
const END: &str = "netdrop-vm-end ";

/// A kernel about to be booted.
#[derive(Debug)]
pub(crate) struct Guest<'a> {
    /// Put before each line it prints.
    pub(crate) name: &'a str,
    /// The kernel's image.
    pub(crate) vmlinuz: &'a Path,
    /// What it boots into.
    pub(crate) initramfs: &'a Path,
    /// Where its lines are kept.
    pub(crate) log: &'a Path,
    /// After this long it is stopped.
    pub(crate) timeout: Duration,
}

impl Guest<'_> {
    /// Boots, prints and keeps what the guest says, and reads the lab's verdicts from it.
    pub(crate) fn run(&self) -> LabRun {
        let mut run = LabRun::default();
        match self.listen(&mut run) {
            Ok(ending) => run.finish(ending),
            Err(error) => run.finish(Err(format!("{error:#}"))),
        }
        run
    }

    fn listen(&self, run: &mut LabRun) -> Result<Result<i32, String>> {
        if let Some(directory) = self.log.parent() {
            fs::create_dir_all(directory)
                .with_context(|| format!("cannot create {}", directory.display()))?;
        }
        let mut log = File::create(self.log)
            .with_context(|| format!("cannot create {}", self.log.display()))?;
        let deadline = Instant::now() + self.timeout;
        let mut qemu = self.boot()?;
        let lines = lines_of(qemu.child.stdout.take().context("qemu has no stdout")?);
        let mut ending = None;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match lines.recv_timeout(left) {
                Ok(line) => {
                    println!("[{}] {line}", self.name);
                    writeln!(log, "{line}").context("cannot write the guest's log")?;
                    if let Some(code) = line.strip_prefix(END) {
                        ending = code.parse().ok();
                    }
                    run.read_line(&line);
                }
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {
                    return Ok(Err(format!(
                        "not done after {} s; see {}",
                        self.timeout.as_secs(),
                        self.log.display()
                    )));
                }
            }
        }
        let status = qemu.child.wait().context("cannot wait for qemu")?;
        Ok(ending.ok_or_else(|| {
            format!(
                "the guest stopped before the lab's end (qemu: {status}); see {}",
                self.log.display()
            )
        }))
    }

    fn boot(&self) -> Result<Qemu> {
        let mut qemu: Command = command::installed("qemu-system-x86_64")?;
        // One thread for both CPUs: with one each, a kernel that patches its own code now and then
        // ran into the breakpoint that it had just taken out again. Two kernels run at a time.
        qemu.args(["-accel", "tcg,thread=single", "-cpu", CPU, "-smp", "2"])
            .args([
                "-m",
                "1024M",
                "-nodefaults",
                "-no-user-config",
                "-no-reboot",
            ])
            .args(["-display", "none", "-monitor", "none", "-serial", "stdio"])
            .arg("-kernel")
            .arg(self.vmlinuz)
            .arg("-initrd")
            .arg(self.initramfs)
            .args(["-append", APPEND]);
        let child = qemu
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start `{}`", command::line(&qemu)))?;
        Ok(Qemu { child })
    }
}

/// Only the worst kernel messages come on the console, where they would break into the lab's
/// lines; init prints the others when the lab fails. A panic ends qemu, by -no-reboot.
const APPEND: &str = "console=ttyS0 loglevel=2 panic=-1 mitigations=off random.trust_cpu=on";

/// Without cmpxchg16b: QEMU 7.2 now and then leaves it with broken flags, and the kernel, whose
/// allocator uses it, dies of a double fault.
const CPU: &str = "max,-cx16";

/// A running qemu, which does not outlive this value.
struct Qemu {
    child: Child,
}

impl Drop for Qemu {
    fn drop(&mut self) {
        // Fails only when it is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The guest's lines, read beside so that waiting for them can have an end.
fn lines_of(stdout: ChildStdout) -> Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut reader = BufReader::new(stdout);
        let mut line = Vec::new();
        while reader
            .read_until(b'\n', &mut line)
            .is_ok_and(|read| read > 0)
        {
            let text = String::from_utf8_lossy(&line);
            // A serial console ends lines with \r\n.
            if sender.send(text.trim_end().replace('\r', "")).is_err() {
                break;
            }
            line.clear();
        }
    });
    receiver
}
