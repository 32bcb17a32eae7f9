//! The metrics of this process as text for Prometheus (text exposition format 0.0.4).
//!
//! There are few series, and all of them stay: their labels come from the configuration and from our own tables.

use std::collections::{BTreeMap, HashMap};
use std::fmt::{self, Display, Write as _};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use metrics::{
    Counter, Gauge, HistogramFn, Key, KeyName, Metadata, Recorder, SetRecorderError, SharedString, Unit,
    set_global_recorder,
};

/// Upper bounds in seconds: a decision takes microseconds, and one that has to fetch keys takes a network's time.
const BOUNDS: [f64; 12] =
    [0.000_01, 0.000_025, 0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.005, 0.025, 0.1, 0.5, 5.0];

/// Collects metrics, and writes them as text. A clone is another handle to the same metrics.
#[derive(Clone, Debug, Default)]
pub(super) struct Prometheus(Arc<Series>);

impl Prometheus {
    /// Collects all metrics of the process from now on. That can be begun once.
    pub(super) fn install() -> Result<Self, SetRecorderError<Self>> {
        let metrics = Self::default();
        set_global_recorder(metrics.clone())?;
        Ok(metrics)
    }

    /// The metrics as they are now: by kind, name and labels.
    pub(super) fn render(&self) -> String {
        let mut text = String::new();
        // A text takes all that is written to it.
        self.0.write(&mut text).ok();
        text
    }
}

/// A series by its labels, and its number.
pub(super) type Counted = (BTreeMap<String, String>, u64);

impl Prometheus {
    /// The counters of this name.
    pub(super) fn counters(&self, name: &str) -> Vec<Counted> {
        let series = self.0.counters.by_name().remove(name).unwrap_or_default();
        let labels =
            |key: &Key| key.labels().map(|own| (own.key().to_owned(), own.value().to_owned())).collect();
        series.iter().map(|(key, counter)| (labels(key), counter.load(Ordering::Relaxed))).collect()
    }

    /// How many values the histogram of this name has, which has no labels, and their sum.
    pub(super) fn histogram(&self, name: &str) -> (u64, f64) {
        let series = self.0.histograms.by_name().remove(name).unwrap_or_default();
        let of = |own: &Histogram| {
            let count = own.counts.iter().map(|count| count.load(Ordering::Relaxed)).sum();
            (count, f64::from_bits(own.sum.load(Ordering::Relaxed)))
        };
        series.first().map(|(_, own)| of(own)).unwrap_or_default()
    }
}

/// The series of each kind, by name and labels.
#[derive(Debug, Default)]
struct Series {
    counters: Family<AtomicU64>,
    gauges: Family<AtomicU64>,
    histograms: Family<Histogram>,
    help: RwLock<HashMap<String, SharedString>>,
}

impl Series {
    fn describe(&self, name: &KeyName, description: SharedString) {
        let mut help = self.help.write().unwrap_or_else(PoisonError::into_inner);
        help.insert(name.as_str().to_owned(), description);
    }

    fn write(&self, text: &mut String) -> fmt::Result {
        self.write_family(text, &self.counters, "counter", |text, key, counter| {
            write_line(text, key, "", None, counter.load(Ordering::Relaxed))
        })?;
        self.write_family(text, &self.gauges, "gauge", |text, key, gauge| {
            write_line(text, key, "", None, f64::from_bits(gauge.load(Ordering::Relaxed)))
        })?;
        self.write_family(text, &self.histograms, "histogram", |text, key, histogram| {
            histogram.write(text, key)
        })
    }

    /// Writes the series of one kind, each name with its heading.
    fn write_family<T>(
        &self,
        text: &mut String,
        family: &Family<T>,
        kind: &str,
        write_one: impl Fn(&mut String, &Key, &T) -> fmt::Result,
    ) -> fmt::Result {
        for (name, series) in family.by_name() {
            let help = self.help.read().unwrap_or_else(PoisonError::into_inner);
            if let Some(help) = help.get(&name) {
                writeln!(text, "# HELP {name} {}", help.replace('\\', "\\\\").replace('\n', "\\n"))?;
            }
            writeln!(text, "# TYPE {name} {kind}")?;
            for (key, value) in series {
                write_one(text, &key, &value)?;
            }
            text.push('\n');
        }
        Ok(())
    }
}

/// The series of one kind.
#[derive(Debug)]
struct Family<T>(RwLock<HashMap<Key, Arc<T>>>);

impl<T> Default for Family<T> {
    fn default() -> Self {
        Self(RwLock::default())
    }
}

impl<T: Default> Family<T> {
    /// The series of this name and these labels; from now on there is one.
    fn get(&self, key: &Key) -> Arc<T> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner).get(key).map(Arc::clone);
        known.unwrap_or_else(|| {
            let mut series = self.0.write().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(series.entry(key.clone()).or_default())
        })
    }
}

impl<T> Family<T> {
    /// All of them, in the order of their names and labels.
    fn by_name(&self) -> BTreeMap<String, Vec<(Key, Arc<T>)>> {
        let mut names = BTreeMap::<_, Vec<_>>::new();
        for (key, value) in &*self.0.read().unwrap_or_else(PoisonError::into_inner) {
            names.entry(key.name().to_owned()).or_default().push((key.clone(), Arc::clone(value)));
        }
        for series in names.values_mut() {
            series.sort_by(|(one, _), (other, _)| one.cmp(other));
        }
        names
    }
}

/// How many values there are up to each bound, and their sum.
#[derive(Debug, Default)]
struct Histogram {
    /// Those up to each bound that are above the one before it. The last ones are above all bounds.
    counts: [AtomicU64; BOUNDS.len() + 1],
    /// The bits of a number.
    sum: AtomicU64,
}

impl HistogramFn for Histogram {
    fn record(&self, value: f64) {
        let index = BOUNDS.iter().position(|bound| value <= *bound).unwrap_or(BOUNDS.len());
        self.counts[index].fetch_add(1, Ordering::Relaxed);
        let add = |sum| Some((f64::from_bits(sum) + value).to_bits());
        // It always adds.
        self.sum.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add).ok();
    }
}

impl Histogram {
    fn write(&self, text: &mut String, key: &Key) -> fmt::Result {
        let mut count = 0;
        for (own, bound) in self.counts.iter().zip(&BOUNDS) {
            count += own.load(Ordering::Relaxed);
            write_line(text, key, "_bucket", Some(&bound), count)?;
        }
        count += self.counts[BOUNDS.len()].load(Ordering::Relaxed);
        write_line(text, key, "_bucket", Some(&"+Inf"), count)?;
        write_line(text, key, "_sum", None, f64::from_bits(self.sum.load(Ordering::Relaxed)))?;
        write_line(text, key, "_count", None, count)
    }
}

/// Writes one number; `bound` is the label `le`.
fn write_line(
    text: &mut String,
    key: &Key,
    suffix: &str,
    bound: Option<&dyn Display>,
    value: impl Display,
) -> fmt::Result {
    write!(text, "{}{suffix}", key.name())?;
    let labels = key.labels().map(|label| {
        let value = label.value().replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        format!("{}=\"{value}\"", label.key())
    });
    let labels: Vec<_> = labels.chain(bound.map(|bound| format!("le=\"{bound}\""))).collect();
    if !labels.is_empty() {
        write!(text, "{{{}}}", labels.join(","))?;
    }
    writeln!(text, " {value}")
}

impl Recorder for Prometheus {
    fn describe_counter(&self, name: KeyName, _unit: Option<Unit>, description: SharedString) {
        self.0.describe(&name, description);
    }

    fn describe_gauge(&self, name: KeyName, _unit: Option<Unit>, description: SharedString) {
        self.0.describe(&name, description);
    }

    fn describe_histogram(&self, name: KeyName, _unit: Option<Unit>, description: SharedString) {
        self.0.describe(&name, description);
    }

    fn register_counter(&self, key: &Key, _metadata: &Metadata<'_>) -> Counter {
        Counter::from_arc(self.0.counters.get(key))
    }

    fn register_gauge(&self, key: &Key, _metadata: &Metadata<'_>) -> Gauge {
        Gauge::from_arc(self.0.gauges.get(key))
    }

    fn register_histogram(&self, key: &Key, _metadata: &Metadata<'_>) -> metrics::Histogram {
        metrics::Histogram::from_arc(self.0.histograms.get(key))
    }
}

#[cfg(test)]
mod tests {
    use metrics::{counter, describe_counter, gauge, histogram, with_local_recorder};

    use super::*;

    #[test]
    fn each_kind_is_written_under_its_heading() {
        let metrics = Prometheus::default();
        with_local_recorder(&metrics, || {
            counter!("b_total", "route" => "GET /b", "code" => "").increment(2);
            counter!("b_total", "route" => "GET /a", "code" => "").increment(1);
            counter!("b_total", "route" => "GET /b", "code" => "").increment(1);
            counter!("a_total").increment(0);
            describe_counter!("a_total", "one\nor \\ two");
            gauge!("age").set(1.5);
        });
        let expected = "\
            # HELP a_total one\\nor \\\\ two\n\
            # TYPE a_total counter\n\
            a_total 0\n\
            \n\
            # TYPE b_total counter\n\
            b_total{route=\"GET /a\",code=\"\"} 1\n\
            b_total{route=\"GET /b\",code=\"\"} 3\n\
            \n\
            # TYPE age gauge\n\
            age 1.5\n\
            \n";
        assert_eq!(metrics.render(), expected);
        let counted = metrics.counters("b_total");
        let routes: Vec<_> =
            counted.iter().map(|(labels, total)| (labels["route"].as_str(), *total)).collect();
        assert_eq!(routes, [("GET /a", 1), ("GET /b", 3)]);
        assert_eq!(metrics.counters("c_total"), []);
    }

    #[test]
    fn a_histogram_counts_up_to_each_bound() {
        let metrics = Prometheus::default();
        with_local_recorder(&metrics, || {
            let seconds = histogram!("seconds", "issuer" => "a");
            for value in [0.0, 0.000_01, 0.000_02, 0.75, 9.25] {
                seconds.record(value);
            }
        });
        let text = metrics.render();
        for line in [
            "# TYPE seconds histogram",
            "seconds_bucket{issuer=\"a\",le=\"0.00001\"} 2",
            "seconds_bucket{issuer=\"a\",le=\"0.000025\"} 3",
            "seconds_bucket{issuer=\"a\",le=\"0.5\"} 3",
            "seconds_bucket{issuer=\"a\",le=\"5\"} 4",
            "seconds_bucket{issuer=\"a\",le=\"+Inf\"} 5",
            "seconds_sum{issuer=\"a\"} 10.00003",
            "seconds_count{issuer=\"a\"} 5",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} in {text}");
        }
        assert_eq!(text.matches("_bucket").count(), BOUNDS.len() + 1);
        assert_eq!(metrics.histogram("seconds").0, 5);
        assert_eq!(metrics.histogram("minutes"), (0, 0.0));
    }

    #[test]
    fn no_label_begins_another_line_or_label() {
        let metrics = Prometheus::default();
        with_local_recorder(&metrics, || counter!("a", "route" => "\"} 1\nb\\").increment(1));
        assert_eq!(metrics.render(), "# TYPE a counter\na{route=\"\\\"} 1\\nb\\\\\"} 1\n\n");
    }
}
