use futures_util::future;
use proptest::prelude::*;

use super::*;

/// Time that passes only where somebody waits, and always a little longer than was asked for.
#[derive(Default)]
struct Simulated {
    now: Mutex<Duration>,
    longest: Mutex<Duration>,
    late: Duration,
}

#[async_trait]
impl Clock for Simulated {
    fn now(&self) -> Duration {
        *self.now.lock().unwrap()
    }

    async fn sleep(&self, time: Duration) {
        {
            let mut longest = self.longest.lock().unwrap();
            *longest = (*longest).max(time);
        }
        *self.now.lock().unwrap() += time + self.late;
        tokio::task::yield_now().await;
    }
}

impl Simulated {
    fn pass(&self, time: Duration) {
        *self.now.lock().unwrap() += time;
    }
}

fn pace(rate: u64, clock: &Arc<Simulated>, cancel: &Cancel) -> Pace {
    Pace::new(rate.to_string().parse().unwrap(), Arc::clone(clock) as _, cancel.clone())
}

/// The most rows that begin within one second.
fn busiest_second(begun: &[(Duration, u64)]) -> u64 {
    let within =
        |from: Duration| begun.iter().filter(move |(at, _)| *at >= from && *at < from + Duration::from_secs(1));
    begun.iter().map(|(from, _)| within(*from).map(|(_, rows)| rows).sum()).max().unwrap_or(0)
}

proptest! {
    /// However much is asked for and whatever pauses lie between, no second holds more than the rate and one part, and
    /// nothing waits longer than it has to.
    #[test]
    fn no_second_holds_more(
        rate in 1u64..5_000,
        asked in prop::collection::vec((0.0f64..1.0, 0.0f64..1.0, 0u64..400), 1..60),
        late in 0u64..3,
    ) {
        let clock = Arc::new(Simulated { late: Duration::from_millis(late), ..Simulated::default() });
        let pace = pace(rate, &clock, &Cancel::new());
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let (mut begun, mut owed) = (Vec::new(), Duration::ZERO);
        for (paid, share, pause) in asked {
            let paid = (paid * pace.rows_at_once() as f64).ceil() as usize;
            let rows = (share * paid as f64).floor() as u64;
            let asked_at = clock.now();
            runtime.block_on(pace.pay(Lane::Source, paid)).unwrap();
            let naps = (owed.as_millis() / limits::PACE_NAP.as_millis()) as u64 + 1;
            prop_assert!(clock.now() <= asked_at.max(owed) + Duration::from_millis(late * naps));
            pace.correct(Lane::Source, paid, rows);
            begun.push((clock.now(), rows));
            owed = clock.now() + pace.rate().time_of(rows);
            clock.pass(Duration::from_millis(pause));
        }
        let busiest = busiest_second(&begun);
        prop_assert!(busiest <= rate + pace.rows_at_once() as u64 + 1, "{busiest} rows in a second");
        prop_assert!(*clock.longest.lock().unwrap() <= limits::PACE_NAP);
    }
}

#[tokio::test]
async fn those_who_work_at_the_same_time_share_it() {
    let clock = Arc::new(Simulated::default());
    let pace = pace(100, &clock, &Cancel::new());
    let worker = || async {
        let mut begun = Vec::new();
        for _ in 0..30 {
            pace.pay(Lane::Target, 10).await.unwrap();
            begun.push((clock.now(), 10));
        }
        begun
    };
    let begun = future::join_all([worker(), worker(), worker()]).await.concat();
    assert_eq!(begun.iter().map(|(_, rows)| rows).sum::<u64>(), 900);
    assert!(busiest_second(&begun) <= 110, "{}", busiest_second(&begun));
    assert!(clock.now() >= Duration::from_millis(8_900), "{:?}", clock.now());
}

#[tokio::test]
async fn lanes_do_not_wait_for_each_other() {
    let clock = Arc::new(Simulated::default());
    let pace = pace(1, &clock, &Cancel::new());
    for lane in [Lane::Source, Lane::Target, Lane::Written] {
        pace.ready(lane).await.unwrap();
        pace.pay(lane, 1).await.unwrap();
    }
    assert_eq!(clock.now(), Duration::ZERO);
    pace.ready(Lane::Written).await.unwrap();
    assert_eq!(clock.now(), Duration::from_secs(1));
    pace.pay(Lane::Written, 1).await.unwrap();
    assert_eq!(clock.now(), Duration::from_secs(1), "who was ready does not wait again");
}

/// Raises the flag after the first nap.
struct Impatient {
    inner: Simulated,
    cancel: Cancel,
}

#[async_trait]
impl Clock for Impatient {
    fn now(&self) -> Duration {
        self.inner.now()
    }

    async fn sleep(&self, time: Duration) {
        self.inner.sleep(time).await;
        self.cancel.cancel();
    }
}

#[tokio::test]
async fn a_wait_ends_within_a_nap_when_the_run_is_cancelled() {
    let cancel = Cancel::new();
    let clock = Arc::new(Impatient { inner: Simulated::default(), cancel: cancel.clone() });
    let pace = Pace::new("1".parse().unwrap(), Arc::clone(&clock) as _, cancel);
    pace.pay(Lane::Written, 1_000_000).await.unwrap();
    let error = pace.pay(Lane::Written, 1).await.unwrap_err();
    assert_eq!(error.code(), Code::RunCancelled);
    assert_eq!(clock.now(), limits::PACE_NAP);
}

#[test]
fn a_rate_is_a_whole_number_of_rows() {
    for (text, rows) in [("1", 1), ("500", 500), ("500/s", 500), ("1000000000", 1_000_000_000)] {
        assert_eq!(text.parse::<Rate>().unwrap().rows(), rows);
    }
    for wrong in [
        "",
        "/s",
        "0",
        "0/s",
        "-1",
        "+5",
        "1.5",
        "1e3",
        " 5",
        "5 /s",
        "5/min",
        "many",
        "1000000001",
        "99999999999999999999",
    ] {
        let error = wrong.parse::<Rate>().unwrap_err();
        assert_eq!(error.code(), Code::UsageInvalid, "{wrong:?}");
    }
}
