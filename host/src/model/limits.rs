//! Every bound of the product lives here, so that one page shows what an input may cost.

// ---- Canonical JSON, projection, egress -------------------------------------------------------

/// How many arrays and objects of a JSON document may lie inside each other (DESIGN section 3).
pub const JSON_DEPTH_MAX: usize = 64;

/// Bytes of the JSON pointer in an error message; a longer one is cut back to an ancestor's pointer.
pub const JSON_ERROR_POINTER_BYTES_MAX: usize = 512;

/// Characters of a refused number that its error message repeats.
pub const JSON_ERROR_LITERAL_CHARS_MAX: usize = 40;

/// Fields that one filter may declare.
pub const FIELDS_PER_FILTER_MAX: usize = 64;

/// Bytes of the pointer of one declared field.
pub const FIELD_POINTER_BYTES_MAX: usize = 512;

/// Segments of the pointer of one declared field.
pub const FIELD_POINTER_SEGMENTS_MAX: usize = 32;

/// Characters of a webhook's URL (DESIGN section 5).
pub const URL_CHARS_MAX: usize = 2048;

// ---- End of canonical JSON, projection, egress ------------------------------------------------
