//! Curves over time, one panel above the other, as SVG: nothing else is needed to look at them.

use std::fmt::Write;

const WIDTH: f64 = 760.0;
const PANEL: f64 = 150.0;
/// Around a panel: for its numbers and its title.
const LEFT: f64 = 70.0;
const RIGHT: f64 = 25.0;
const TOP: f64 = 28.0;
const BOTTOM: f64 = 22.0;
const COLOURS: [&str; 3] = ["#1f6feb", "#d1570b", "#2da44e"];

/// Curves that share an axis.
pub(crate) struct Panel {
    pub(crate) title: &'static str,
    /// Names, and points of minute and value.
    pub(crate) curves: Vec<(&'static str, Vec<(f64, f64)>)>,
}

/// Draws the panels; the time between `shaded` lies on a darker ground, under its name.
pub(crate) fn draw(panels: &[Panel], shaded: (f64, f64), name: &str) -> String {
    let end = panels.iter().flat_map(Panel::points).map(|(minute, _)| minute).fold(1.0, f64::max);
    let height = (TOP + PANEL + BOTTOM) * f64::from(u32::try_from(panels.len()).unwrap_or(0));
    let mut svg = format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" font-size="11" fill="#24292f"><rect width="100%" height="100%" fill="#fff"/>"##
    );
    for (place, panel) in panels.iter().enumerate() {
        let top = TOP + (TOP + PANEL + BOTTOM) * f64::from(u32::try_from(place).unwrap_or(0));
        panel.draw(&mut svg, top, end, shaded, name);
    }
    svg.push_str("</svg>\n");
    svg
}

impl Panel {
    fn points(&self) -> impl Iterator<Item = (f64, f64)> + '_ {
        self.curves.iter().flat_map(|(_, points)| points.iter().copied())
    }

    fn draw(&self, svg: &mut String, top: f64, end: f64, shaded: (f64, f64), name: &str) {
        let wide = WIDTH - LEFT - RIGHT;
        let most = round_up(self.points().map(|(_, value)| value).fold(0.0, f64::max));
        let x = |minute: f64| LEFT + minute / end * wide;
        let y = |value: f64| top + PANEL - value / most * PANEL;
        let (from, to) = (x(shaded.0), x(shaded.1));
        // Writing to a string cannot fail.
        let _ = write!(
            svg,
            r##"<rect x="{from:.1}" y="{top}" width="{:.1}" height="{PANEL}" fill="#eaeef2"/><text x="{:.1}" y="{:.1}" fill="#57606a">{name}</text><text x="{LEFT}" y="{:.1}" font-weight="bold">{}</text>"##,
            to - from,
            from + 4.0,
            top + 12.0,
            top - 8.0,
            self.title,
        );
        for step in 0..=4 {
            let value = most * f64::from(step) / 4.0;
            let _ = write!(
                svg,
                r##"<line x1="{LEFT}" x2="{:.1}" y1="{1:.1}" y2="{1:.1}" stroke="#d0d7de"/><text x="{2:.1}" y="{3:.1}" text-anchor="end">{4}</text>"##,
                WIDTH - RIGHT,
                y(value),
                LEFT - 6.0,
                y(value) + 4.0,
                number(value),
            );
            let minute = end * f64::from(step) / 4.0;
            let _ = write!(
                svg,
                r#"<text x="{:.1}" y="{:.1}" text-anchor="middle">{minute:.0} min</text>"#,
                x(minute),
                top + PANEL + 15.0,
            );
        }
        for (place, (curve, points)) in self.curves.iter().enumerate() {
            let colour = COLOURS[place % COLOURS.len()];
            let mut line = String::new();
            for (minute, value) in points {
                let _ = write!(line, "{:.1},{:.1} ", x(*minute), y(*value));
            }
            let _ = write!(
                svg,
                r#"<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="1.2"/><text x="{:.1}" y="{:.1}" text-anchor="end" fill="{colour}">{curve}</text>"#,
                WIDTH - RIGHT - 90.0 * f64::from(u32::try_from(place).unwrap_or(0)),
                top - 8.0,
            );
        }
    }
}

/// The next 1, 2 or 5 with zeros; 1 at least.
fn round_up(value: f64) -> f64 {
    let ten = 10_f64.powf(value.max(1.0).log10().floor());
    [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .map(|times| times * ten)
        .find(|it| *it >= value)
        .unwrap_or(ten)
}

fn number(value: f64) -> String {
    if value >= 10_000.0 { format!("{:.0} k", value / 1000.0) } else { format!("{value}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_is_drawn_between_the_ends_of_its_axes() {
        let panel =
            Panel { title: "jobs/s", curves: vec![("ended", vec![(0.0, 0.0), (30.0, 90.0)])] };
        let svg = draw(&[panel], (10.0, 20.0), "held");
        assert!(svg.contains(r#"points="70.0,178.0 735.0,43.0 ""#), "{svg}");
        assert!(svg.contains("jobs/s") && svg.contains("held") && svg.contains("30 min"));
    }

    #[test]
    fn an_axis_ends_at_a_round_number() {
        let ends: Vec<_> =
            [0.0, 0.3, 4.0, 5.1, 12_000.0].map(round_up).into_iter().map(number).collect();
        assert_eq!(ends, ["1", "1", "5", "10", "20 k"]);
    }
}
