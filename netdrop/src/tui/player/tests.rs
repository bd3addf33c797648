use super::*;

/// A recording of so many intervals, one second each, and where it is played.
struct Tape {
    player: Player,
    length: u64,
    now: Instant,
}

impl Tape {
    fn new(speed: &str, length: u64, rewinds: bool) -> Self {
        let now = Instant::now();
        let mut tape = Self {
            player: Player::new(speed.parse().unwrap(), rewinds, now),
            length,
            now,
        };
        tape.run(Duration::ZERO);
        tape
    }

    /// Lets time go by, and takes what is wanted meanwhile.
    fn run(&mut self, time: Duration) {
        let end = self.now + time;
        loop {
            if self.player.at() == self.length {
                self.player.ended();
            }
            match self.player.wants(1.0) {
                Wants::Now => {}
                Wants::At(due) if due <= end => self.now = self.now.max(due),
                Wants::At(_) | Wants::Nothing => break,
            }
            self.player.took(1.0, self.now);
        }
        self.now = end;
    }

    /// A key, and a moment.
    fn press(&mut self, go: Go) -> Pressed {
        let pressed = self.player.press(go, self.now);
        self.run(Duration::ZERO);
        pressed
    }

    fn at(&self) -> (u64, Doing) {
        (self.player.at(), self.player.doing())
    }
}

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn it_plays_at_its_speed_from_the_first_interval_to_the_last() {
    let mut tape = Tape::new("10", 30, true);
    assert_eq!(tape.at(), (1, Doing::Playing));
    tape.run(SECOND);
    assert_eq!(tape.at(), (11, Doing::Playing));
    tape.press(Go::Slower);
    tape.run(SECOND);
    assert_eq!(tape.at(), (16, Doing::Playing));
    tape.press(Go::Faster);
    tape.press(Go::Faster);
    assert_eq!(tape.player.speed(), "20".parse().unwrap());
    tape.run(SECOND);
    assert_eq!(tape.at(), (30, Doing::Over));
    tape.run(SECOND);
    assert_eq!(tape.at(), (30, Doing::Over));
    assert!(matches!(tape.press(Go::Toggle), Pressed::Refused(_)));
    assert!(matches!(tape.press(Go::Forward), Pressed::Refused(_)));
    assert_eq!(tape.press(Go::End), Pressed::Done);
}

#[test]
fn paused_it_waits_and_makes_up_for_nothing() {
    let mut tape = Tape::new("1", 30, true);
    tape.run(SECOND / 2);
    tape.press(Go::Toggle);
    tape.run(100 * SECOND);
    assert_eq!(tape.at(), (1, Doing::Paused));
    tape.press(Go::Toggle);
    assert_eq!(tape.at(), (1, Doing::Playing));
    tape.run(2 * SECOND);
    assert_eq!(tape.at(), (3, Doing::Playing));
    // Whoever could not keep up goes on from there.
    tape.now += 10 * SECOND;
    tape.run(Duration::ZERO);
    assert_eq!(tape.at(), (4, Doing::Playing));
    tape.run(SECOND);
    assert_eq!(tape.at(), (5, Doing::Playing));
}

#[test]
fn steps_pause_and_go_one_interval_each_way() {
    let mut tape = Tape::new("1", 30, true);
    assert_eq!(tape.press(Go::Forward), Pressed::Done);
    tape.press(Go::Forward);
    tape.run(10 * SECOND);
    assert_eq!(tape.at(), (3, Doing::Paused));
    assert_eq!(tape.press(Go::Back), Pressed::Rewind);
    tape.run(10 * SECOND);
    assert_eq!(tape.at(), (2, Doing::Paused));
    tape.press(Go::Back);
    assert!(matches!(tape.press(Go::Back), Pressed::Refused(_)));
    assert_eq!(tape.at(), (1, Doing::Paused));
}

#[test]
fn ends_are_gone_to_at_once_and_left_again() {
    let mut tape = Tape::new("1", 30, true);
    assert_eq!(tape.press(Go::End), Pressed::Done);
    assert_eq!(tape.at(), (30, Doing::Over));
    assert_eq!(tape.press(Go::Back), Pressed::Rewind);
    assert_eq!(tape.at(), (29, Doing::Paused));
    assert_eq!(tape.press(Go::Start), Pressed::Rewind);
    assert_eq!(tape.at(), (1, Doing::Paused));
    // Playing, it goes on from there.
    tape.press(Go::Toggle);
    tape.run(3 * SECOND);
    tape.press(Go::Start);
    assert_eq!(tape.at(), (1, Doing::Playing));
    // An only interval is the last one, too.
    let tape = Tape::new("1", 1, true);
    assert_eq!(tape.at(), (1, Doing::Over));
}

#[test]
fn keys_on_the_way_change_where_it_goes() {
    let mut player = Player::new(Speed::MAX, true, Instant::now());
    let now = Instant::now();
    for _ in 0..20 {
        player.took(1.0, now);
    }
    player.press(Go::Toggle, now);
    assert_eq!(player.press(Go::Back, now), Pressed::Rewind);
    assert_eq!(player.doing(), Doing::Going(Some(19)));
    for _ in 0..5 {
        player.took(1.0, now);
    }
    // Still ahead: no need to begin again.
    assert_eq!(player.press(Go::Back, now), Pressed::Done);
    assert_eq!(player.press(Go::Forward, now), Pressed::Done);
    assert_eq!(player.press(Go::Back, now), Pressed::Done);
    assert_eq!(player.doing(), Doing::Going(Some(18)));
    // A pause on the way stays where it is.
    player.press(Go::Toggle, now);
    assert_eq!((player.at(), player.doing()), (5, Doing::Paused));
    player.press(Go::End, now);
    assert_eq!(player.doing(), Doing::Going(None));
    player.press(Go::Back, now);
    assert_eq!(player.doing(), Doing::Going(Some(4)));
}

#[test]
fn what_cannot_be_read_again_goes_forward_only() {
    let mut tape = Tape::new("10", 30, false);
    tape.run(SECOND);
    for go in [Go::Back, Go::Start] {
        let Pressed::Refused(why) = tape.press(go) else {
            panic!("{go:?}");
        };
        assert!(why.contains("standard input"), "{why}");
    }
    assert_eq!(tape.at(), (11, Doing::Playing));
    tape.press(Go::End);
    assert_eq!(tape.at(), (30, Doing::Over));
}

#[test]
fn another_filter_is_shown_at_the_same_place() {
    let mut tape = Tape::new("1", 30, true);
    tape.press(Go::Forward);
    tape.player.again();
    tape.run(Duration::ZERO);
    assert_eq!(tape.at(), (2, Doing::Paused));
    tape.press(Go::End);
    tape.player.again();
    tape.run(Duration::ZERO);
    assert_eq!(tape.at(), (30, Doing::Over));
}

#[test]
fn a_way_back_may_begin_behind_the_start() {
    let mut tape = Tape::new("1", 30, true);
    tape.press(Go::End);
    assert_eq!(tape.player.press(Go::Back, tape.now), Pressed::Rewind);
    assert_eq!(tape.player.target(), 29);
    tape.player.resume(24, tape.now);
    assert_eq!((tape.player.at(), tape.player.is_going()), (24, true));
    tape.run(Duration::ZERO);
    assert_eq!(tape.at(), (29, Doing::Paused));
    assert_eq!(tape.player.press(Go::Back, tape.now), Pressed::Rewind);
    tape.player.resume(28, tape.now);
    assert_eq!(tape.at(), (28, Doing::Paused));
}
