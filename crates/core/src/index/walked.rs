//! What walks of a search index run on: there from its building, or made by the first walk over a stored one.

use crate::code::{Directions, Quantized, Sketch};
use crate::control::Control;
use crate::error::Result;
use crate::lazy::Lazy;
use crate::search::anchors::Anchors;
use std::sync::OnceLock;

/// Codes that walks run on.
pub(super) enum WalkCodes {
    Quantized(Quantized),
    Sketches(Sketch, Anchors),
}

impl WalkCodes {
    /// Bytes held.
    pub fn bytes(&self) -> usize {
        match self {
            WalkCodes::Quantized(codes) => codes.bytes(),
            WalkCodes::Sketches(codes, anchors) => codes.bytes() + anchors.bytes(),
        }
    }
}

/// Codes behind a plain reference; `None` inside where walks run on the rows.
#[derive(Default)]
pub(super) struct WalkedOn {
    codes: OnceLock<Option<WalkCodes>>,
    /// Of codes that are still to be made, if it is known: which sketches they are; `None` inside for none.
    known: Option<Option<Directions>>,
    /// Lets one caller make them while the others wait.
    making: Lazy<()>,
}

impl WalkedOn {
    /// Codes that are there.
    pub fn made(codes: Option<WalkCodes>) -> WalkedOn {
        WalkedOn { codes: OnceLock::from(codes), ..WalkedOn::default() }
    }

    /// Codes that the first walk makes; `known` is what [`WalkedOn::sketched`] told.
    pub fn later(known: Option<Option<Directions>>) -> WalkedOn {
        WalkedOn { known, ..WalkedOn::default() }
    }

    /// Which sketches the codes are, `None` inside where they are none; `None` where that is not known yet.
    pub fn sketched(&self) -> Option<Option<Directions>> {
        match self.codes.get() {
            Some(Some(WalkCodes::Sketches(sketch, _))) => Some(Some(sketch.directions())),
            Some(_) => Some(None),
            None => self.known.clone(),
        }
    }

    /// The codes if they are there.
    pub fn get(&self) -> Option<&WalkCodes> {
        self.codes.get()?.as_ref()
    }

    /// The codes, made by the first of those who ask.
    pub fn get_or_make(
        &self,
        control: Control<'_>,
        make: impl FnOnce(Option<&Option<Directions>>) -> Result<Option<WalkCodes>>,
    ) -> Result<Option<&WalkCodes>> {
        if self.codes.get().is_none() {
            self.making.get_or_make(control, || {
                let codes = make(self.known.as_ref())?;
                self.codes.get_or_init(|| codes);
                Ok(())
            })?;
        }
        Ok(self.get())
    }
}
