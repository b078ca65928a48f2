"""Where a backend is known to answer otherwise than the contract's tests expect.

The tests run there all the same, and must fail: a difference that has gone fails the suite until its line is taken out.
`test_known_differences.py` says what the backend does instead.
"""

_NO_MEMBERS = "the cloud is not documented to have similarity_cluster"
_NO_HEALTH = "the cloud is not documented to have healthcheck"
_IGNORED = "the old build ignores the filter and answers with all clusters"
_OLDER_STATUS = "the old build has `status` and no `status_new`"
_OLDER_COUNT = "the old build counts as `clusters_count`"
_FAILS = "the old build fails with 500 where it should refuse with 422"

KNOWN_DIFFERENCES: dict[str, dict[str, str]] = {
    "documented_cloud": {
        "test_a_higher_uniqueness_leaves_fewer_images": "the cloud lists equal clusters by id, not by uniqueness",
        "test_filters_are_anded": "the cloud keeps images that score above the value, and a copy scores 0",
        "test_every_preview_names_its_image": "half of the cloud's previews have no width and height",
        "test_a_granularity_level_that_does_not_exist_has_no_clusters": _NO_MEMBERS,
        "test_a_cluster_shows_all_its_members_page_by_page": _NO_MEMBERS,
        "test_an_unknown_cluster_is_null": _NO_MEMBERS,
        "test_a_head_request_gets_the_headers_of_the_answer[/healthcheck]": _NO_HEALTH,
        "test_a_wrong_parameter_is_named_in_the_list_of_errors[vql-given0]": "the cloud knows the labels filter",
    },
    "old_on_premises": {
        "test_every_dataset_is_listed_with_its_id_name_and_status": _OLDER_STATUS,
        "test_an_indexed_dataset_is_ready_and_counts_its_images": _OLDER_STATUS,
        "test_the_duplicates_filter_gives_the_clusters_of_copies_and_no_others": _IGNORED,
        "test_unique_images_come_one_by_one_and_have_no_copy": _IGNORED,
        "test_a_higher_uniqueness_leaves_fewer_images": _IGNORED,
        "test_filters_are_anded": _IGNORED,
        "test_previews_are_a_sample_of_nine_and_n_images_is_the_truth": _IGNORED,
        "test_a_cluster_shows_all_its_members_page_by_page": _IGNORED,
        "test_a_granularity_level_that_does_not_exist_has_no_clusters[1]": "the old build has the levels 0 and 1",
        "test_a_granularity_level_that_does_not_exist_has_no_clusters[2]": _OLDER_COUNT,
        "test_a_granularity_level_that_does_not_exist_has_no_clusters[3]": _OLDER_COUNT,
        "test_a_granularity_level_that_does_not_exist_has_no_clusters[4]": _OLDER_COUNT,
        "test_the_count_agrees_with_the_pages": _OLDER_COUNT,
        "test_a_wrong_parameter_is_named_in_the_list_of_errors[vql-given0]": _IGNORED,
        "test_a_wrong_parameter_is_named_in_the_list_of_errors[vql-not JSON]": _IGNORED,
        "test_a_wrong_parameter_is_named_in_the_list_of_errors[duplicate_threshold-1.5]": _IGNORED,
        "test_a_wrong_parameter_is_named_in_the_list_of_errors[page_number--1]": _FAILS,
        "test_a_wrong_parameter_is_named_in_the_list_of_errors[page_number-one]": _FAILS,
        "test_a_wrong_parameter_is_named_in_the_list_of_errors[threshold-0.95]": _FAILS,
        "test_a_wrong_parameter_is_named_in_the_list_of_errors[entity_type-SOUNDS]": _FAILS,
    },
}
"""By backend, then by test; with its parameters in brackets where not all of its cases differ."""

DIFFERS = (AssertionError, KeyError, ValueError)
"""How a test fails whose answer is another one. Any other failure is no known difference."""


def without_backend(name: str, backend: str) -> str:
    """A test's name with its parameters, but without the backend that it runs against."""
    test, _, rest = name.partition("[")
    return f"{test}[{'-'.join(part for part in rest.removesuffix(']').split('-') if part != backend)}]"
