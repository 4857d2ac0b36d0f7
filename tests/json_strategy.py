"""Any JSON, with a liking for the names that the API uses."""

from __future__ import annotations

from hypothesis import strategies as st

NAMES = ["id", "status", "result", "urls", "primary_url", "error", "code", "message", "data", "file", "url"]

any_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["queued", "https://a/b"]),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(NAMES) | st.text(), inner, max_size=6)
    ),
    max_leaves=20,
)
