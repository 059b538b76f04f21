"""Bar files: bringing one, seeing what is wrong with it, letting it go."""

from functools import partial
from uuid import UUID

from django.core.files.uploadhandler import StopUpload, TemporaryFileUploadHandler
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from django_htmx.http import HttpResponseClientRefresh

from backtests import services, tasks
from backtests.errors import BacktestRefused
from backtests.forms import UploadForm
from backtests.services.uploads import MOST_BYTES, PIECE
from backtests.templatetags.backtest_words import sentence
from backtests.views.access import own_upload
from backtests.views.acting import forget
from markets.types import Interval
from trading.views.access import PersonRequest, signed_in

FORM_BYTES = 64 * 1024  # what a request has beside the file


class CappedFile(TemporaryFileUploadHandler):
    """To the disk, and no further than a bar file may be long: the rest of the request is not read."""

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        if start + len(raw_data) > MOST_BYTES:
            raise StopUpload(connection_reset=True)
        super().receive_data_chunk(raw_data, start)


@csrf_exempt  # the token is checked below: reading it here would read the whole file before its length is looked at
@require_http_methods(["GET", "POST"])
def upload_list(request: HttpRequest) -> HttpResponse:
    """The files there are, and the form for another."""
    if request.method == "POST":
        if int(request.META.get("CONTENT_LENGTH") or 0) > MOST_BYTES + FORM_BYTES:
            return _too_long(request)
        request.upload_handlers = [CappedFile(request)]
    return _upload_list(request)


@signed_in
def _too_long(request: PersonRequest) -> HttpResponse:
    """Too long by its own word: nothing of it is read, not even the form's token."""
    told = sentence("upload_too_large", {"most_mb": MOST_BYTES // 1024 // 1024})
    return _page(request, UploadForm(initial={"zone": "Asia/Seoul"}), status=413, told=told)


@csrf_protect
@signed_in
def _upload_list(request: PersonRequest) -> HttpResponse:
    if request.method == "GET":
        return _page(request, UploadForm(initial={"zone": "Asia/Seoul"}))
    form = UploadForm(request.POST, request.FILES)
    if not form.is_valid():
        return _page(request, form, status=422)
    given = form.cleaned_data
    file = given["file"]
    try:
        upload = services.receive(
            request.user,
            file.chunks(PIECE),
            name=file.name,
            instrument=given["instrument"],
            interval=Interval(given["interval"]) if given["interval"] else None,
            zone=given["zone"],
        )
    except BacktestRefused as e:
        form.add_error("file", sentence(e.code, e.facts))
        return _page(request, form, status=422)
    transaction.on_commit(partial(tasks.ring))
    return redirect("backtests:upload", upload_id=upload.pk)


@require_GET
@signed_in
def upload_detail(request: PersonRequest, upload_id: UUID) -> HttpResponse:
    upload = own_upload(request, upload_id)
    if request.htmx:
        ended = upload.job is not None and upload.job.has_ended
        return (
            HttpResponseClientRefresh()
            if ended
            else render(request, "backtests/_upload_progress.html", {"upload": upload})
        )
    return render(request, "backtests/upload.html", {"upload": upload})


@require_POST
@signed_in
def upload_delete(request: PersonRequest, upload_id: UUID) -> HttpResponse:
    delete = partial(services.delete_upload, request.user, upload_id)
    back = reverse("backtests:upload", args=[own_upload(request, upload_id).pk])
    return forget(request, delete, _("파일을 지웠습니다."), back, reverse("backtests:uploads"))


def _page(request: PersonRequest, form: UploadForm, status: int = 200, told: str = "") -> HttpResponse:
    most_mb, uploads = MOST_BYTES // 1024 // 1024, list(services.list_uploads(request.user))
    context = {"form": form, "uploads": uploads, "most_mb": most_mb, "told": told}
    return render(request, "backtests/uploads.html", context, status=status)
