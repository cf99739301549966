//! Coarse codes of the rows of an index: made when a product first wants them, kept from then on.

use crate::code::ByteCodes;
use crate::control::Control;
use crate::error::Result;
use crate::lazy::Lazy;
use crate::points::Rows;
use std::sync::OnceLock;

/// Codes behind a plain reference; `None` inside where the rows are too wide for some.
#[derive(Default)]
pub(super) struct Coarse {
    codes: OnceLock<Option<ByteCodes>>,
    /// Lets one caller make them while the others wait.
    making: Lazy<()>,
}

impl Coarse {
    /// The codes if they are there.
    pub fn get(&self) -> Option<&ByteCodes> {
        self.codes.get()?.as_ref()
    }

    /// The codes of `rows`, made by the first of those who ask.
    pub fn get_or_make(&self, rows: &Rows, threads: usize, control: Control<'_>) -> Result<Option<&ByteCodes>> {
        if self.codes.get().is_none() {
            self.making.get_or_make(control, || {
                let codes = ByteCodes::coarse(rows, threads, control.quiet())?;
                self.codes.get_or_init(|| codes);
                Ok(())
            })?;
        }
        Ok(self.get())
    }

    /// Codes that are there already.
    pub fn of(codes: Option<ByteCodes>) -> Coarse {
        Coarse { codes: codes.map_or_else(OnceLock::new, |codes| OnceLock::from(Some(codes))), making: Lazy::default() }
    }

    /// Bytes held.
    pub fn bytes(&self) -> usize {
        self.get().map_or(0, ByteCodes::bytes)
    }
}
