"""Which function answers which method of Kaggle's API."""

from __future__ import annotations

from collections.abc import Callable

from kit.emulator import accounts, competitions, datasets, forums, kernels, models, submissions, uploads
from kit.emulator.site import Call
from kit.emulator.wire import Reply

_SERVICES: dict[str, tuple[Callable[[Call], Reply], ...]] = {
    "competitions.CompetitionApiService": (
        competitions.list_competitions,
        competitions.get_competition,
        competitions.list_competition_pages,
        competitions.list_data_files,
        competitions.download_data_file,
        competitions.download_data_files,
        submissions.start_submission_upload,
        submissions.create_submission,
        submissions.create_code_submission,
        submissions.list_submissions,
        submissions.get_submission,
        submissions.download_submission,
        submissions.get_submission_limits,
        competitions.get_leaderboard,
        competitions.download_leaderboard,
        competitions.list_competition_topics,
        competitions.list_topic_messages,
    ),
    "kernels.KernelsApiService": (
        kernels.save_kernel,
        kernels.get_kernel,
        kernels.get_kernel_session_status,
        kernels.list_kernel_session_output,
        kernels.list_kernel_files,
        kernels.download_kernel_output,
        kernels.list_kernels,
        kernels.delete_kernel,
        kernels.cancel_kernel_session,
        kernels.get_accelerator_quota_statistics,
    ),
    "datasets.DatasetApiService": (
        datasets.create_dataset,
        datasets.create_dataset_version,
        datasets.create_dataset_version_by_id,
        datasets.get_dataset,
        datasets.get_dataset_status,
        datasets.get_dataset_metadata,
        datasets.update_dataset_metadata,
        datasets.list_dataset_files,
        datasets.download_dataset,
        datasets.download_dataset_raw,
        datasets.list_datasets,
        datasets.delete_dataset,
    ),
    "models.ModelApiService": (
        models.create_model,
        models.get_model,
        models.update_model,
        models.delete_model,
        models.list_models,
        models.create_model_instance,
        models.get_model_instance,
        models.update_model_instance,
        models.delete_model_instance,
        models.list_model_instances,
        models.create_model_instance_version,
        models.list_model_instance_versions,
        models.list_model_instance_version_files,
        models.download_model_instance_version,
        models.delete_model_instance_version,
    ),
    "discussions.DiscussionApiService": (
        forums.list_forums,
        forums.list_topics,
        forums.list_dataset_topics,
        forums.list_kernel_topics,
        forums.list_model_topics,
        forums.list_benchmark_topics,
        forums.get_topic,
        forums.list_comments,
    ),
    "blobs.BlobApiService": (uploads.start_blob_upload,),
    "security.OAuthService": (accounts.introspect_token,),
    "users.AccountService": (accounts.generate_access_token,),
    "api.v1.DiagnosticsService": (accounts.hello,),
}


def _method(name: str) -> str:
    return "".join(word.capitalize() for word in name.split("_"))


ROUTES: dict[str, Callable[[Call], Reply]] = {
    f"{service}/{_method(function.__name__)}": function
    for service, functions in _SERVICES.items()
    for function in functions
}
"""`package.Service/Method` to the function that answers it."""

OPEN = {"security.OAuthService/IntrospectToken", "users.AccountService/GenerateAccessToken"}
"""Methods that are called without credentials, since they are how credentials are looked up."""
