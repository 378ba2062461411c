//! Somebody who looks at pages. Every page is parsed as strictly as XML is: what broke out of a text would break the page.

use roxmltree::{Document, Node, ParsingOptions};
use tests::{ADMIN_KEY, Answer};

use crate::stage::Stage;

pub(super) const FORM: &str = "application/x-www-form-urlencoded";

/// What every page and every form's answer carries.
pub(super) const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
    connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// Somebody who is logged in.
pub(super) struct Browser<'a> {
    pub(super) stage: &'a Stage,
    pub(super) cookie: String,
}

/// A page that came.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) path: String,
    pub(super) answer: Answer,
}

/// A form on a page, with what stands in it.
#[derive(Debug, Clone)]
pub(super) struct Form {
    pub(super) action: String,
    pub(super) fields: Vec<(String, String)>,
}

impl Stage {
    /// The login page's form, and the cookie that came with it.
    pub(super) async fn login_form(&self, next: &str) -> (Form, String) {
        let path = format!("/console/login?next={}", next.replace('&', "%26"));
        let answer = self.get(&path).send().await;
        let page = Page { path, answer };
        (page.form("/console/login"), page.answer.cookie())
    }

    /// Sends the login page's form with a key.
    pub(super) async fn give_key(&self, key: &str, next: &str) -> Answer {
        let (form, cookie) = self.login_form(next).await;
        let body = form.with("key", key).body();
        self.post("/console/login").cookie(&cookie).body(FORM, body).send_unchecked().await
    }

    /// Logs in.
    pub(super) async fn browser(&self) -> Browser<'_> {
        self.browser_of(ADMIN_KEY).await
    }

    /// Logs in with this key.
    pub(super) async fn browser_of(&self, key: &str) -> Browser<'_> {
        let opened = self.give_key(key, "/console").await;
        assert_eq!(opened.status, 303, "{opened:?}");
        Browser { stage: self, cookie: opened.cookie() }
    }
}

impl Browser<'_> {
    pub(super) async fn get(&self, path: &str) -> Answer {
        self.stage.get(path).cookie(&self.cookie).send_unchecked().await
    }

    /// A page that is there and whole.
    pub(super) async fn page(&self, path: &str) -> Page {
        let answer = self.get(path).await;
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        let page = Page { path: path.to_owned(), answer };
        page.check();
        page
    }

    /// Sends a form.
    pub(super) async fn send(&self, form: &Form) -> Answer {
        let ask = self.stage.post(&form.action).cookie(&self.cookie);
        ask.body(FORM, form.body()).send_unchecked().await
    }
}

impl Page {
    pub(super) fn read<T>(&self, look: impl FnOnce(&Document<'_>) -> T) -> T {
        let options = ParsingOptions { allow_dtd: true, ..ParsingOptions::default() };
        let parsed = Document::parse_with_options(&self.answer.text, options);
        let document =
            parsed.unwrap_or_else(|error| panic!("{}: {error}\n{}", self.path, self.answer.text));
        look(&document)
    }

    /// What holds for every page: it is well-formed, it carries the policy, nothing in it runs but our script.
    pub(super) fn check(&self) {
        assert_eq!(self.answer.header("content-security-policy"), POLICY, "{}", self.path);
        assert_eq!(self.answer.header("content-type"), "text/html; charset=utf-8");
        // With another, browsers send forms with `Origin: null`, which is not ours.
        assert_eq!(self.answer.header("referrer-policy"), "same-origin", "{}", self.path);
        assert_eq!(self.answer.header("cache-control"), "no-store");
        assert!(self.answer.text.len() < 200 * 1024, "{} is large", self.path);
        self.read(|document| {
            for node in document.descendants().filter(Node::is_element) {
                let name = node.tag_name().name();
                let is_ours = node.attribute("src").is_some_and(|src| src.starts_with("/console/"));
                assert!(name != "script" || is_ours && node.text().is_none(), "{}", self.path);
                assert!(!["iframe", "object", "style", "base"].contains(&name), "{}", self.path);
                for attribute in node.attributes() {
                    let name = attribute.name();
                    assert!(!name.starts_with("on") && name != "style", "{}: {name}", self.path);
                }
            }
            let headings = document.descendants().filter(|it| it.has_tag_name("h1")).count();
            assert_eq!(headings, 1, "{}", self.path);
        });
    }

    /// All its text, with single blanks.
    pub(super) fn words(&self) -> String {
        self.read(|document| {
            let texts = document.descendants().filter(Node::is_text).filter_map(|it| it.text());
            texts.flat_map(str::split_whitespace).collect::<Vec<_>>().join(" ")
        })
    }

    /// Where its links lead.
    pub(super) fn links(&self) -> Vec<String> {
        self.read(|document| {
            let links = document.descendants().filter(|it| it.has_tag_name("a"));
            links.filter_map(|it| it.attribute("href")).map(ToOwned::to_owned).collect()
        })
    }

    pub(super) fn forms(&self) -> Vec<Form> {
        self.read(|document| {
            let forms = document.descendants().filter(|it| it.has_tag_name("form"));
            forms.map(Form::of).collect()
        })
    }

    /// The form that goes there.
    pub(super) fn form(&self, action: &str) -> Form {
        let found = self.forms().into_iter().find(|form| form.action == action);
        found.unwrap_or_else(|| panic!("{} has no form to {action}", self.path))
    }
}

impl Form {
    fn of(node: Node<'_, '_>) -> Form {
        let value = |it: Node<'_, '_>| {
            let name = it.attribute("name")?.to_owned();
            let is_off = it.attribute("type") == Some("checkbox");
            let value = match it.tag_name().name() {
                "input" if !is_off => it.attribute("value").unwrap_or_default().to_owned(),
                "select" => {
                    let options = || it.descendants().filter(|it| it.has_tag_name("option"));
                    let chosen = options().find(|it| it.has_attribute("selected"));
                    chosen.or(options().next())?.attribute("value")?.to_owned()
                }
                "textarea" => it.text().unwrap_or_default().to_owned(),
                _ => return None,
            };
            Some((name, value))
        };
        let fields = node.descendants().filter(Node::is_element).filter_map(value).collect();
        Form { action: node.attribute("action").unwrap_or_default().to_owned(), fields }
    }

    /// With something typed into a field.
    pub(super) fn with(mut self, name: &str, value: &str) -> Form {
        self.fields.retain(|(known, _)| known != name);
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(super) fn get(&self, name: &str) -> &str {
        self.fields.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    pub(super) fn body(&self) -> String {
        let mut url = url::Url::parse("http://x/").unwrap();
        url.query_pairs_mut().extend_pairs(&self.fields);
        url.query().unwrap_or_default().to_owned()
    }
}
