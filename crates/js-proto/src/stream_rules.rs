//! What becomes of the configuration of a stream: what is left out is filled in, and what cannot be is refused.
//!
//! Only what it says itself is looked at. What takes other streams to know (whether subjects are taken, what the
//! origins of a mirror have, longer circles of sources) is left to who has them.

use crate::rules::{
    ConfigLimits, DESCRIPTION_BYTES_MAX, METADATA_BYTES_MAX, NAME_BYTES_MAX, REPLICAS_MAX, invalid,
    is_asset_name, pedantic, refuse_if,
};
use crate::{ApiError, Discard, Nanos, PersistMode, Placement, Retention, Storage, StreamConfig, errors};
use crate::{source_rules, subject_rules};

/// How long ids of messages are remembered if nothing is said of it.
pub const DUPLICATE_WINDOW_DEFAULT: Nanos = Nanos::from_secs(120);

/// Shorter times are refused.
const TIME_MIN: Nanos = Nanos::from_millis(100);

impl StreamConfig {
    /// What a server makes of it. If it is pedantic, it refuses rather than mends.
    ///
    /// # Errors
    ///
    /// What is answered.
    pub fn settled(mut self, limits: &ConfigLimits, is_pedantic: bool) -> Result<Self, ApiError> {
        self.check_texts()?;
        self.settle_counts(is_pedantic)?;
        self.settle_times(limits, is_pedantic)?;
        self.check_permissions()?;
        self.settle_markers_and_schedules(is_pedantic)?;
        self.check_persistence()?;
        source_rules::check(&self)?;
        subject_rules::settle_subjects(&mut self)?;
        self.check_bytes(limits)?;
        subject_rules::settle_transforms(&mut self, is_pedantic)?;
        self.settle_placement()?;
        Ok(self)
    }

    /// What is looked at besides if there is no such stream yet, once settled, and once it is known that the
    /// account may have one more.
    ///
    /// # Errors
    ///
    /// What is answered.
    pub fn check_as_new(&self) -> Result<(), ApiError> {
        source_rules::check_filters_as_new(self)
    }

    fn check_texts(&self) -> Result<(), ApiError> {
        if !is_asset_name(&self.name) {
            return invalid(r"stream name is required and can not contain '.', '*', '>', '\', '/'");
        }
        if self.name.len() > NAME_BYTES_MAX {
            return invalid(&format!("stream name is too long, maximum allowed is {NAME_BYTES_MAX}"));
        }
        if self.description.len() > DESCRIPTION_BYTES_MAX {
            return invalid(&format!(
                "stream description is too long, maximum allowed is {DESCRIPTION_BYTES_MAX}"
            ));
        }
        let metadata: usize = self.metadata.iter().map(|(key, value)| key.len() + value.len()).sum();
        if metadata > METADATA_BYTES_MAX {
            return invalid(&format!("stream metadata exceeds maximum size of {METADATA_BYTES_MAX} bytes"));
        }
        Ok(())
    }

    fn settle_counts(&mut self, is_pedantic: bool) -> Result<(), ApiError> {
        if self.num_replicas == 0 {
            self.num_replicas = 1;
        }
        if self.num_replicas > REPLICAS_MAX {
            return invalid(&format!("maximum replicas is {REPLICAS_MAX}"));
        }
        refuse_if(self.num_replicas < 0, &errors::REPLICAS_COUNT_CANNOT_BE_NEGATIVE)?;
        let mut size = i64::from(self.max_msg_size);
        let counts = [
            ("max_msgs", &mut self.max_msgs),
            ("max_msgs_per_subject", &mut self.max_msgs_per_subject),
            ("max_bytes", &mut self.max_bytes),
            ("max_msg_size", &mut size),
            ("max_consumers", &mut self.max_consumers),
        ];
        for (name, count) in counts {
            if is_pedantic && *count < -1 {
                return pedantic(&format!("{name} must be set to -1"));
            }
            if *count < 1 {
                *count = -1;
            }
        }
        if size < 0 {
            self.max_msg_size = -1;
        }
        Ok(())
    }

    fn settle_times(&mut self, limits: &ConfigLimits, is_pedantic: bool) -> Result<(), ApiError> {
        let has_age = self.max_age != Nanos::ZERO;
        if self.max_age < Nanos::ZERO {
            return invalid("max age can not be negative");
        }
        if has_age && self.max_age < TIME_MIN {
            return invalid("max age needs to be >= 100ms");
        }
        let is_origin = self.mirror.is_none() && self.sources.is_empty();
        if self.duplicate_window == Nanos::ZERO && is_origin {
            self.settle_duplicate_window(limits, is_pedantic)?;
        }
        let window = self.duplicate_window;
        let has_limit = limits.duplicate_window > Nanos::ZERO;
        if window < Nanos::ZERO {
            return invalid("duplicates window can not be negative");
        }
        if has_age && window > self.max_age {
            return invalid("duplicates window can not be larger then max age");
        }
        if has_limit && window > limits.duplicate_window {
            let limit = limits.duplicate_window;
            return invalid(&format!("duplicates window can not be larger then server limit of {limit}"));
        }
        if window > Nanos::ZERO && window < TIME_MIN {
            return invalid("duplicates window needs to be >= 100ms");
        }
        Ok(())
    }

    fn settle_duplicate_window(&mut self, limits: &ConfigLimits, is_pedantic: bool) -> Result<(), ApiError> {
        let mut window = DUPLICATE_WINDOW_DEFAULT;
        if limits.duplicate_window > Nanos::ZERO && window > limits.duplicate_window {
            if is_pedantic {
                return pedantic("duplicate window limits are higher than current limits");
            }
            window = limits.duplicate_window;
        }
        if self.max_age != Nanos::ZERO && self.max_age < window {
            if is_pedantic {
                return pedantic("duplicate window cannot be bigger than max age");
            }
            window = self.max_age;
        }
        self.duplicate_window = window;
        Ok(())
    }

    fn check_permissions(&self) -> Result<(), ApiError> {
        if self.deny_purge && self.allow_rollup_hdrs {
            return invalid("roll-ups require the purge permission");
        }
        if self.allow_msg_counter {
            for (clashes, reason) in [
                (self.discard == Discard::New, "counter stream cannot use discard new"),
                (self.allow_msg_ttl, "counter stream cannot use message TTLs"),
                (self.allow_msg_schedules, "counter stream cannot use message schedules"),
                (self.retention != Retention::Limits, "counter stream can only use limits retention"),
            ] {
                if clashes {
                    return invalid(reason);
                }
            }
        }
        if self.discard_new_per_subject {
            if self.discard != Discard::New {
                return invalid("discard new per subject requires discard new policy to be set");
            }
            if self.max_msgs_per_subject <= 0 {
                return invalid("discard new per subject requires max msgs per subject > 0");
            }
        }
        Ok(())
    }

    fn settle_markers_and_schedules(&mut self, is_pedantic: bool) -> Result<(), ApiError> {
        let marker_ttl = self.subject_delete_marker_ttl;
        if marker_ttl < Nanos::ZERO {
            return invalid("subject delete marker TTL must not be negative");
        }
        if marker_ttl > Nanos::ZERO {
            if marker_ttl < Nanos::from_secs(1) {
                return invalid("subject delete marker TTL must be at least 1 second");
            }
            if is_pedantic && !self.allow_msg_ttl {
                return invalid("subject delete marker cannot be set if message TTLs are disabled");
            }
            self.allow_msg_ttl = true;
            self.settle_rollups(is_pedantic, "subject delete marker cannot be set if roll-ups are disabled")?;
        }
        if self.allow_msg_schedules {
            if self.discard == Discard::New {
                return invalid("message scheduling cannot use discard new");
            }
            self.settle_rollups(is_pedantic, "message scheduling cannot be set if roll-ups are disabled")?;
        }
        Ok(())
    }

    /// Something needs rollups.
    fn settle_rollups(&mut self, is_pedantic: bool, refusal: &str) -> Result<(), ApiError> {
        if !self.allow_rollup_hdrs {
            if is_pedantic {
                return invalid(refusal);
            }
            self.allow_rollup_hdrs = true;
            self.deny_purge = false;
        }
        Ok(())
    }

    fn check_persistence(&self) -> Result<(), ApiError> {
        if self.persist_mode == PersistMode::Default {
            return Ok(());
        }
        if self.storage != Storage::File {
            return invalid("async persist mode is only supported on file storage");
        }
        if self.num_replicas > 1 {
            return invalid("async persist mode is not supported on replicated streams");
        }
        if self.allow_atomic {
            return invalid("async persist mode is not supported with atomic batch publish");
        }
        Ok(())
    }

    fn check_bytes(&self, limits: &ConfigLimits) -> Result<(), ApiError> {
        let lacks = limits.max_bytes_required && self.max_bytes <= 0;
        refuse_if(lacks, &errors::STREAM_MAX_BYTES_REQUIRED)?;
        let exceeds = limits.max_stream_bytes > 0 && self.max_bytes > limits.max_stream_bytes;
        refuse_if(exceeds, &errors::STREAM_MAX_STREAM_BYTES_EXCEEDED)
    }

    fn settle_placement(&mut self) -> Result<(), ApiError> {
        if self.placement == Some(Placement::default()) {
            self.placement = None;
        }
        match &self.placement {
            Some(placement) if !placement.preferred.is_empty() => {
                invalid("preferred server not permitted in placement")
            }
            _ => Ok(()),
        }
    }
}
