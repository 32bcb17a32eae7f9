//! Two kinds of plot, as SVG: lines over a logarithmic axis, and groups of bars.

use std::fmt::Write as _;

const WIDTH: f64 = 760.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = 190.0;
const TOP: f64 = 56.0;
const PLOT_HEIGHT: f64 = 260.0;

const COLOURS: [&str; 8] =
    ["#1f6feb", "#d1570a", "#2a7f3b", "#8250df", "#b4232c", "#0b7285", "#7a6a00", "#57606a"];

/// A curve.
pub(super) struct Line {
    pub(super) name: &'static str,
    pub(super) points: Vec<(usize, f64)>,
}

/// A bar with its name.
pub(super) struct Bar {
    pub(super) name: &'static str,
    pub(super) value: f64,
    /// Whether it is one of ours.
    pub(super) is_own: bool,
}

/// Curves over a number that grows by powers of ten; the other axis starts at zero.
pub(super) fn lines(title: &str, across: &str, up: &str, lines: &[Line]) -> String {
    let points = || lines.iter().flat_map(|line| &line.points);
    let decades = points().map(|(count, _)| (*count as f64).log10()).fold(1.0, f64::max);
    let highest = nice(points().map(|(_, value)| *value).fold(0.0, f64::max));
    let x = |count: f64| LEFT + count.log10() / decades * (WIDTH - LEFT - RIGHT);
    let y = |value: f64| TOP + PLOT_HEIGHT - value / highest * PLOT_HEIGHT;
    let mut body = String::new();
    for step in 0..=4_u8 {
        let value = highest * f64::from(step) / 4.0;
        rule(&mut body, (LEFT, y(value)), (WIDTH - RIGHT, y(value)));
        text(&mut body, (LEFT - 8.0, y(value) + 4.0), "end", &label(value));
    }
    let mut decade = 1;
    while (decade as f64).log10() <= decades {
        text(
            &mut body,
            (x(decade as f64), TOP + PLOT_HEIGHT + 20.0),
            "middle",
            &super::table::grouped(decade),
        );
        decade *= 10;
    }
    text(&mut body, (LEFT + (WIDTH - LEFT - RIGHT) / 2.0, TOP + PLOT_HEIGHT + 42.0), "middle", across);
    text(&mut body, (LEFT - 8.0, TOP - 14.0), "start", up);
    for (line, colour) in lines.iter().zip(COLOURS) {
        let path: Vec<_> = line
            .points
            .iter()
            .map(|(count, value)| format!("{:.1},{:.1}", x(*count as f64), y(*value)))
            .collect();
        write(
            &mut body,
            format_args!(
                r#"<polyline fill="none" stroke="{colour}" stroke-width="2" points="{}"/>"#,
                path.join(" ")
            ),
        );
        for point in &path {
            let (cx, cy) = point.split_once(',').unwrap_or_default();
            write(&mut body, format_args!(r#"<circle cx="{cx}" cy="{cy}" r="3" fill="{colour}"/>"#));
        }
        let end = line.points.last().map_or(0.0, |(_, value)| *value);
        let place = (WIDTH - RIGHT + 10.0, y(end) + 4.0);
        coloured(&mut body, place, colour, line.name);
    }
    document(title, TOP + PLOT_HEIGHT + 58.0, &body)
}

/// Groups of horizontal bars, each with its value; the longest fills the width.
pub(super) fn bars(title: &str, groups: &[(&str, Vec<Bar>)]) -> String {
    const ROW: f64 = 20.0;
    const NAMES: f64 = 270.0;
    let longest = groups.iter().flat_map(|(_, bars)| bars).map(|bar| bar.value).fold(0.0, f64::max);
    let mut body = String::new();
    let mut y = TOP;
    for (group, bars) in groups {
        write(
            &mut body,
            format_args!(
                r##"<text x="16" y="{:.1}" font-weight="600" fill="#1f2328">{}</text>"##,
                y + 4.0,
                escape(group)
            ),
        );
        y += ROW;
        for bar in bars {
            let colour = if bar.is_own { COLOURS[0] } else { "#8c959f" };
            let width = (bar.value / longest * (WIDTH - NAMES - 80.0)).max(1.0);
            text(&mut body, (NAMES - 8.0, y + 4.0), "end", bar.name);
            write(
                &mut body,
                format_args!(
                    r#"<rect x="{NAMES}" y="{:.1}" width="{width:.1}" height="12" fill="{colour}"/>"#,
                    y - 6.0
                ),
            );
            text(&mut body, (NAMES + width + 6.0, y + 4.0), "start", &format!("{}×", label(bar.value)));
            y += ROW;
        }
        y += ROW / 2.0;
    }
    document(title, y, &body)
}

fn document(title: &str, height: f64, body: &str) -> String {
    let title = escape(title);
    format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0}" role="img" aria-label="{title}" font-family="system-ui, sans-serif" font-size="12">
<rect width="100%" height="100%" fill="#ffffff"/>
<text x="16" y="24" font-size="15" font-weight="600" fill="#1f2328">{title}</text>
{body}</svg>
"##
    )
}

fn rule(body: &mut String, (x1, y1): (f64, f64), (x2, y2): (f64, f64)) {
    write(
        body,
        format_args!(r##"<line x1="{x1:.1}" y1="{y1:.1}" x2="{x2:.1}" y2="{y2:.1}" stroke="#d0d7de"/>"##),
    );
}

fn text(body: &mut String, (x, y): (f64, f64), anchor: &str, text: &str) {
    write(
        body,
        format_args!(
            r##"<text x="{x:.1}" y="{y:.1}" text-anchor="{anchor}" fill="#57606a">{}</text>"##,
            escape(text)
        ),
    );
}

fn coloured(body: &mut String, (x, y): (f64, f64), colour: &str, text: &str) {
    write(body, format_args!(r#"<text x="{x:.1}" y="{y:.1}" fill="{colour}">{}</text>"#, escape(text)));
}

fn write(body: &mut String, element: std::fmt::Arguments<'_>) {
    // Writing to a string does not fail.
    let _ = writeln!(body, "{element}");
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;")
}

/// The next number of the form 1, 2, 4 or 8 times a power of ten: quarters of it are easily read.
fn nice(value: f64) -> f64 {
    let power = 10_f64.powf(value.max(f64::MIN_POSITIVE).log10().floor());
    let steps = [1.0, 2.0, 4.0, 8.0, 10.0].map(|step| step * power);
    steps.into_iter().find(|step| *step >= value).unwrap_or(value)
}

fn label(value: f64) -> String {
    match value {
        0.0 => "0".to_owned(),
        ..0.1 => format!("{value:.4}"),
        0.1..10.0 => format!("{value:.2}"),
        _ => format!("{value:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_end_at_round_numbers() {
        for (value, end) in [(0.61, 0.8), (3.2, 4.0), (190.0, 200.0), (900.0, 1_000.0)] {
            assert!((nice(value) - end).abs() < 1e-9, "{value}");
        }
    }

    #[test]
    fn names_are_escaped() {
        let line = Line { name: "a < b & \"c\"", points: vec![(1, 1.0), (10, 2.0)] };
        assert!(lines("t", "x", "y", &[line]).contains("a &lt; b &amp; &quot;c&quot;"));
    }
}
