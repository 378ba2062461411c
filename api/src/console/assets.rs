//! The stylesheet and the script: ours, in the binary.

use axum::{
    http::{
        HeaderValue,
        header::{CACHE_CONTROL, CONTENT_TYPE},
    },
    response::{IntoResponse, Response},
};

pub(super) const STYLE: &str = include_str!("../../assets/console.css");
pub(super) const SCRIPT: &str = include_str!("../../assets/console.js");

/// Their addresses carry the build's stamp, so a browser may keep them.
const KEPT: HeaderValue = HeaderValue::from_static("public, max-age=86400");

/// `GET /console/style.css`.
pub(crate) async fn style() -> Response {
    asset("text/css; charset=utf-8", STYLE)
}

/// `GET /console/script.js`.
pub(crate) async fn script() -> Response {
    asset("text/javascript; charset=utf-8", SCRIPT)
}

fn asset(kind: &'static str, text: &'static str) -> Response {
    let kind = HeaderValue::from_static(kind);
    ([(CONTENT_TYPE, kind), (CACHE_CONTROL, KEPT)], text).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_script_is_small_and_asks_nobody_else() {
        assert!(SCRIPT.len() <= 8 * 1024, "{} bytes", SCRIPT.len());
        assert!(STYLE.len() <= 16 * 1024, "{} bytes", STYLE.len());
        for text in [SCRIPT, STYLE] {
            assert!(!text.contains("://") && !text.contains("eval(") && !text.contains("@import"));
        }
    }
}
