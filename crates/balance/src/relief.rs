//! When a busy shard hands connections to another one, and to which.

use crate::load::Load;

/// From this load on a shard has more to do than it should.
const OVERLOADED: Load = Load::permille(850);

/// Windows of load in a row before something is done about it.
const WINDOWS_MIN: u32 = 3;

/// Windows before the next time; each time doubles them.
const REST_WINDOWS: u32 = 10;

/// The most of them, with windows of a tenth of a second: ten minutes.
const REST_WINDOWS_MAX: u32 = 6000;

/// How much lower the load of a shard has to be to take some.
const DIFFERENCE_MIN: u16 = 350;

/// How much of its time a core has to be idle to take some: half of a busy shard's work has to fit
/// beside what else runs there. Work that moves costs a little more, as there is less of it at a time:
/// queue groups whose clients took a third of the second core made up to 1.3 times the deliveries a
/// second, at 1.06 times the cost of each.
const IDLE_MIN: Load = Load::permille(600);

/// Watches over one shard, window by window.
#[derive(Debug, Default)]
pub struct Relief {
    overloaded_for: u32,
    rest: u32,
    times: u32,
}

impl Relief {
    /// Whether that load is one to do something about: the caller starts to watch the cores.
    pub fn is_overload(load: Load) -> bool {
        load >= OVERLOADED
    }

    /// A window is over. `awake` is how much of it the shard had work to do, even if something else had
    /// its core: a shard that does not keep up needs help either way. `loads` are those of all. `idle`
    /// says for each shard how much of the time its core was idle since the shard has been overloaded,
    /// if that is known. Returns the shard to hand connections to.
    pub fn on_window(
        &mut self,
        own: usize,
        awake: Load,
        loads: &[Load],
        idle: &[Option<Load>],
    ) -> Option<usize> {
        self.rest = self.rest.saturating_sub(1);
        if !Self::is_overload(awake) {
            self.overloaded_for = 0;
            return None;
        }
        self.overloaded_for += 1;
        if self.overloaded_for < WINDOWS_MIN || self.rest > 0 {
            return None;
        }
        let has_time = |shard: &usize| {
            let lower = awake.as_permille().saturating_sub(loads[*shard].as_permille());
            *shard != own && lower >= DIFFERENCE_MIN && idle.get(*shard).copied().flatten() >= Some(IDLE_MIN)
        };
        (0..loads.len()).filter(has_time).min_by_key(|shard| loads[*shard])
    }

    /// Connections were handed over, or there were none to hand over: rests for a while.
    pub fn on_tried(&mut self) {
        self.rest = (REST_WINDOWS << self.times.min(16)).min(REST_WINDOWS_MAX);
        self.times += 1;
        self.overloaded_for = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loads(permille: &[u16]) -> Vec<Load> {
        permille.iter().copied().map(Load::permille).collect()
    }

    /// How many windows it takes until connections go, and where to.
    fn after(relief: &mut Relief, shards: &[u16], idle: &[Option<Load>]) -> Option<(u32, usize)> {
        (1..10_000).find_map(|window| {
            Some((window, relief.on_window(0, Load::permille(shards[0]), &loads(shards), idle)?))
        })
    }

    #[test]
    fn a_shard_that_stays_overloaded_is_relieved_by_the_least_busy() {
        let idle = [None, Some(Load::permille(800)), Some(Load::permille(800))];
        assert_eq!(after(&mut Relief::default(), &[900, 300, 200], &idle), Some((WINDOWS_MIN, 2)));
        assert_eq!(after(&mut Relief::default(), &[840, 0, 0], &idle), None);
        assert_eq!(after(&mut Relief::default(), &[900, 600, 700], &idle), None, "they are busy too");
    }

    #[test]
    fn a_core_that_others_keep_busy_takes_nothing() {
        for idle in [None, Some(Load::permille(500))] {
            assert_eq!(after(&mut Relief::default(), &[1000, 0], &[None, idle]), None);
        }
    }

    #[test]
    fn a_shard_whose_core_is_taken_is_relieved_as_well() {
        let idle = [Some(Load::NONE), Some(Load::permille(800))];
        let mut relief = Relief::default();
        let mut window = || relief.on_window(0, Load::permille(990), &loads(&[600, 100]), &idle);
        assert_eq!((0..WINDOWS_MIN).find_map(|_| window()), Some(1));
    }

    #[test]
    fn a_window_below_starts_over_and_each_time_takes_longer() {
        let idle = [None, Some(Load::FULL)];
        let mut relief = Relief::default();
        for _ in 1..WINDOWS_MIN {
            assert_eq!(relief.on_window(0, Load::permille(900), &loads(&[900, 0]), &idle), None);
        }
        assert_eq!(relief.on_window(0, Load::permille(100), &loads(&[100, 0]), &idle), None);
        assert_eq!(after(&mut relief, &[900, 0], &idle), Some((WINDOWS_MIN, 1)));
        for rest in [REST_WINDOWS, 2 * REST_WINDOWS, 4 * REST_WINDOWS] {
            relief.on_tried();
            assert_eq!(after(&mut relief, &[900, 0], &idle), Some((rest, 1)));
        }
    }
}
