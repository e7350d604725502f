//! `Stage`: arms side by side over one stream of slabs, epoch by epoch.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::arm::{ArmPlan, ArmRun};
use super::data::{Pieces, Slab};
use super::score::Tally;
use super::why::Sample;
use crate::artifact::validation::{Arm, Missing};
use crate::engine::{Event, Observer, Ordered, Pass};
use crate::error::{Result, TrainError};
use crate::spec::TrainingSpec;

/// Where arms are trained.
pub(super) struct Stage<'a> {
    pub(super) pieces: Pieces<'a>,
    pub(super) training: &'a TrainingSpec,
    /// That train arms side by side.
    pub(super) threads: usize,
    pub(super) observer: &'a dyn Observer,
}

/// What came of them.
#[derive(Debug, Default)]
pub(super) struct Played {
    pub(super) arms: Vec<Arm>,
    pub(super) sample: Sample,
    pub(super) missing: Missing,
    /// Train rows that belong to the part.
    rows_in_part: u64,
}

/// An arm, and its predictions on test at the end of an epoch.
struct Player<'a> {
    arm: ArmRun<'a>,
    tally: Tally,
}

impl Stage<'_> {
    /// Trains arms to the end, each whatever becomes of the others.
    pub(super) fn play(&self, plans: Vec<ArmPlan>) -> Result<Played> {
        super::network::keep_to_one_thread();
        let inputs = self.pieces.data.features();
        let mut players = Vec::with_capacity(plans.len());
        for plan in plans {
            let arm = ArmRun::new(plan, inputs, self.pieces.labels, self.training);
            let (arm, tally) = (arm.map_err(network)?, Tally::default());
            players.push(Mutex::new(Player { arm, tally }));
        }
        let mut played = Played::default();
        for epoch in 1..=self.training.epochs {
            let any = players.iter().any(|player| lock(player).arm.is_alive());
            if any {
                self.epoch(epoch, &players, &mut played)?;
            }
        }
        for player in players {
            let Player { arm, tally } = player.into_inner().unwrap_or_else(PoisonError::into_inner);
            let sample = played.sample.of_form(arm.plan().features);
            let rows = if arm.plan().only_part {
                played.rows_in_part
            } else {
                self.pieces.labels.rows.train
            };
            let arm = arm.finish(sample, rows, &tally).map_err(network)?;
            played.arms.push(arm);
        }
        Ok(played)
    }

    /// Every train row once, then every test row.
    fn epoch(
        &self,
        epoch: usize,
        players: &[Mutex<Player<'_>>],
        played: &mut Played,
    ) -> Result<()> {
        self.pieces.train(epoch, |slab| {
            if epoch == 1 {
                played.note(&slab);
            }
            self.each(players, |player| player.arm.feed(&slab))?;
            self.observer.event(&Event::Advanced {
                pass: Pass::Validate,
                rows: slab.order.len() as u64,
                bytes: 0,
            });
            Ok(())
        })?;
        for player in players {
            let mut player = lock(player);
            player.tally = Tally::default();
            player.arm.end_epoch(epoch).map_err(network)?;
        }
        self.pieces.test(|slab| {
            if epoch == 1 {
                played.missing.test += slab.block.missing;
            }
            self.each(players, |player| {
                player.arm.evaluate(&slab, &mut player.tally)
            })
        })?;
        for player in players {
            let mut player = lock(player);
            let loss = player.tally.loss();
            if player.arm.is_alive() {
                player.arm.set_test_loss(loss);
            }
        }
        Ok(())
    }

    /// Does something with every arm that is alive, on the threads there are.
    fn each<'a>(
        &self,
        players: &[Mutex<Player<'a>>],
        work: impl Fn(&mut Player<'a>) -> candle_core::Result<()> + Sync,
    ) -> Result<()> {
        let ordered = Ordered {
            threads: self.threads,
            count: players.len(),
            cancel: self.pieces.cancel,
        };
        let one = |index: usize| {
            let mut player = lock(&players[index]);
            if player.arm.is_alive() {
                work(&mut player).map_err(network)?;
            }
            Ok(())
        };
        ordered.run(one, |_, ()| Ok(()))
    }
}

impl Played {
    fn note(&mut self, slab: &Slab) {
        if self.sample.raw.is_empty() {
            self.sample = Sample::of(slab);
        }
        self.missing.train += slab.block.missing;
        let in_part = slab.block.in_part.iter().filter(|in_part| **in_part);
        self.rows_in_part += in_part.count() as u64;
    }
}

/// A player is only ever changed by one thread, and a panic in it ends the run.
fn lock<'a, 'b>(player: &'a Mutex<Player<'b>>) -> MutexGuard<'a, Player<'b>> {
    player.lock().unwrap_or_else(PoisonError::into_inner)
}

fn network(source: candle_core::Error) -> crate::error::Error {
    TrainError::Network { source }.into()
}
