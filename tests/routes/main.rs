#[test]
fn nothing() {
    let validator = jsonschema::options()
        .should_validate_formats(true)
        .build(&serde_json::json!({"type": "string", "format": "date-time"}))
        .unwrap();
    assert!(!validator.is_valid(&serde_json::json!("x")));
}
