//! The parsed OpenAPI document, and checks of responses against it.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use jsonschema::Validator;
use serde_json::{Value, json};

use crate::routes::site::Reply;

/// One operation: method and path.
pub(crate) type Operation = (String, String);

pub(crate) struct Document {
    pub json: Value,
    /// Compiled validators. They are cached because compilation is slow.
    validators: RefCell<HashMap<(Operation, u16), Validator>>,
}

impl Document {
    pub(crate) fn new(json: Value) -> Self {
        Self { json, validators: RefCell::default() }
    }

    pub(crate) fn operations(&self) -> Vec<Operation> {
        let paths = self.json["paths"].as_object().unwrap().iter();
        let operations = paths.flat_map(|(path, item)| {
            let methods = item.as_object().unwrap().keys();
            methods.map(move |method| (method.to_uppercase(), path.clone()))
        });
        operations.collect()
    }

    pub(crate) fn operation(&self, (method, path): &Operation) -> &Value {
        &self.json["paths"][path][method.to_lowercase()]
    }

    /// Returns all documented pairs of a status and an error code. If a response has no error code,
    /// the code is an empty string.
    pub(crate) fn documented(&self, operation: &Operation) -> BTreeSet<(u16, String)> {
        let responses = self.operation(operation)["responses"].as_object().unwrap();
        let mut all = BTreeSet::new();
        for (status, response) in responses {
            let schema = &response["content"]["application/json"]["schema"];
            let codes = schema["allOf"][1]["properties"]["code"]["enum"].as_array();
            match codes {
                Some(codes) => all.extend(
                    codes
                        .iter()
                        .map(|code| (status.parse().unwrap(), code.as_str().unwrap().to_owned())),
                ),
                None => drop(all.insert((status.parse().unwrap(), String::new()))),
            }
        }
        all
    }

    /// Compiles a schema of the document, together with the components to which it refers.
    pub(crate) fn validator(&self, schema: &Value) -> Validator {
        let root = json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "components": self.json["components"],
            "allOf": [schema],
        });
        jsonschema::options().should_validate_formats(true).build(&root).unwrap()
    }

    /// Checks the status, the schema and the headers of a response. Panics if the document does not
    /// describe the response.
    pub(crate) fn check(&self, operation: &Operation, reply: &Reply) {
        let place = format!("{operation:?} {:?}", reply.said());
        let response = &self.operation(operation)["responses"][reply.status.to_string()];
        assert!(response.is_object(), "{place} is not documented: {reply:?}");
        let content = &response["content"]["application/json"];
        assert_eq!(reply.header("content-type"), Some("application/json"), "{place}");
        let mut validators = self.validators.borrow_mut();
        let key = (operation.clone(), reply.status);
        let validator = validators.entry(key).or_insert_with(|| self.validator(&content["schema"]));
        let errors: Vec<_> =
            validator.iter_errors(&reply.body).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{place}: {errors:?} in {}", reply.body);
        let challenged = reply.status == 401 || reply.code() == "insufficient_scope";
        for (name, needed) in [
            ("www-authenticate", challenged || reply.headers.contains_key("www-authenticate")),
            ("retry-after", reply.status == 503),
            ("allow", reply.status == 405),
        ] {
            let known = response["headers"].as_object().is_some_and(|headers| {
                headers.keys().any(|header| header.eq_ignore_ascii_case(name))
            });
            assert!(!needed || reply.header(name).is_some(), "{place} has no {name}");
            assert!(!needed || known, "{place}: {name} is not documented");
        }
    }
}

/// All pairs of a status and an error code that each operation has returned so far.
#[derive(Default)]
pub(crate) struct Seen(pub BTreeMap<Operation, BTreeSet<(u16, String)>>);

impl Seen {
    pub(crate) fn note(&mut self, operation: &Operation, reply: &Reply) {
        let said = (reply.status, reply.code().to_owned());
        self.0.entry(operation.clone()).or_default().insert(said);
    }
}
