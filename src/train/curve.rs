//! `Curve`: the train loss over windows of steps, so that a long run is a few hundred points; the first
//! steps stand alone, since that is where networks explode.

use crate::artifact::Figure;
use crate::artifact::validation::CurvePoint;

/// About how many points a curve has.
const POINTS: f64 = 200.0;
/// Steps that are a window each.
const FIRST: u64 = 20;

/// A curve under way.
#[derive(Debug)]
pub(super) struct Curve {
    window: u64,
    points: Vec<CurvePoint>,
    sum: f64,
    steps: u64,
    last: u64,
}

impl Curve {
    /// For about so many steps.
    pub(super) fn new(steps: f64) -> Self {
        let mut window = 1_u64;
        while (window as f64) * POINTS < steps {
            window += 1;
        }
        Self {
            window,
            points: Vec::new(),
            sum: 0.0,
            steps: 0,
            last: 0,
        }
    }

    /// Adds the loss of one step.
    pub(super) fn push(&mut self, step: u64, loss: f64) {
        self.sum += loss;
        self.steps += 1;
        self.last = step;
        if self.steps == self.window || step <= FIRST {
            self.close();
        }
    }

    fn close(&mut self) {
        self.points.push(CurvePoint {
            step: self.last,
            loss: Figure(self.sum / self.steps as f64),
        });
        self.sum = 0.0;
        self.steps = 0;
    }

    /// The points; the last window may be shorter.
    pub(super) fn finish(mut self) -> Vec<CurvePoint> {
        if self.steps > 0 {
            self.close();
        }
        self.points
    }
}
