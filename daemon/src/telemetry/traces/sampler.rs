//! Which traces are kept: what the one above has decided; where there is none, what the one has decided that is linked to;
//! else chance. So a job's attempts are kept if and only if the request is that asked for it.

use opentelemetry::{
    Context, KeyValue,
    trace::{Link, SpanContext, SpanKind, TraceContextExt, TraceId, TraceState},
};
use opentelemetry_sdk::trace::{Sampler as Chance, SamplingDecision, SamplingResult, ShouldSample};

#[derive(Debug, Clone)]
pub(super) struct Sampler {
    chance: Chance,
}

impl Sampler {
    /// `ratio` is the share that is kept where nobody has decided, from 0 to 1.
    pub(super) fn new(ratio: f64) -> Self {
        Self { chance: Chance::TraceIdRatioBased(ratio) }
    }
}

impl ShouldSample for Sampler {
    fn should_sample(
        &self,
        parent_context: Option<&Context>,
        trace_id: TraceId,
        name: &str,
        span_kind: &SpanKind,
        attributes: &[KeyValue],
        links: &[Link],
    ) -> SamplingResult {
        let above = parent_context.map(|above| above.span().span_context().clone());
        let above = above.filter(SpanContext::is_valid);
        let decided = above.as_ref().or(links.first().map(|link| &link.span_context));
        let Some(decided) = decided else {
            return self.chance.should_sample(None, trace_id, name, span_kind, attributes, links);
        };
        SamplingResult {
            decision: if decided.is_sampled() {
                SamplingDecision::RecordAndSample
            } else {
                SamplingDecision::Drop
            },
            attributes: Vec::new(),
            trace_state: above.map_or(TraceState::NONE, |above| above.trace_state().clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry::trace::{SpanId, TraceFlags};

    use super::*;

    fn context(flags: TraceFlags) -> SpanContext {
        let (trace, span) = (TraceId::from(7_u128), SpanId::from(7_u64));
        SpanContext::new(trace, span, flags, true, TraceState::NONE)
    }

    fn keeps(ratio: f64, above: Option<TraceFlags>, linked: Option<TraceFlags>) -> bool {
        let above = above.map(|flags| Context::new().with_remote_span_context(context(flags)));
        let links: Vec<_> =
            linked.map(|flags| Link::with_context(context(flags))).into_iter().collect();
        let asked = Sampler::new(ratio).should_sample(
            above.as_ref(),
            TraceId::from(1_u128),
            "a",
            &SpanKind::Internal,
            &[],
            &links,
        );
        asked.decision == SamplingDecision::RecordAndSample
    }

    const YES: TraceFlags = TraceFlags::SAMPLED;
    const NO: TraceFlags = TraceFlags::NOT_SAMPLED;

    #[test]
    fn the_one_above_decides_then_the_one_linked_to_then_chance() {
        assert!(keeps(0.0, Some(YES), Some(NO)));
        assert!(!keeps(1.0, Some(NO), Some(YES)));
        assert!(keeps(0.0, None, Some(YES)));
        assert!(!keeps(1.0, None, Some(NO)));
        assert!(keeps(1.0, None, None));
        assert!(!keeps(0.0, None, None));
    }
}
