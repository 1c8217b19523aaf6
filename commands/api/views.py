"""The commands' routes: one view per command, made from the registry (tour, step 1)."""

from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema_view
from rest_framework import status
from rest_framework.exceptions import NotFound
from rest_framework.generics import RetrieveAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from commands import answers, services
from commands.errors import CommandRefused, TargetNotFound, UnsupportedMessage
from commands.models import Command, Origin, Status
from commands.registry import Definition
from commands.services import Actor, Submission
from commands.targets import Target
from ocpplab.api import BadRequest, Unprocessable, read_query
from ocpplab.idempotency import idempotent
from ocpplab.models import ApiToken
from ocpplab.permissions import MayCommand, organization_of
from ocpplab.schema import operation

from .serializers import (
    CommandResult,
    CommandResultList,
    LocationCommandResponse,
    QueuedCommandResponse,
    ResultQuery,
    body_of,
)


class CommandView(APIView):
    """Sends one command. How it is answered depends on the command's family."""

    permission_classes = [MayCommand]
    definition: Definition

    @idempotent
    def post(self, request: Request) -> Response:
        body = body_of(self.definition)(data=request.data)
        body.is_valid(raise_exception=True)
        token = request.auth
        assert isinstance(token, ApiToken)
        try:
            submission = services.submit_commands(
                organization=organization_of(request),
                definition=self.definition,
                target=Target(**body.validated_data["target"]),
                event=body.initial_data.get("event") or {},
                actor=Actor(Origin.API, token.name or token.prefix, token=token),
            )
        except TargetNotFound as error:
            raise NotFound(str(error)) from None
        except UnsupportedMessage as error:
            raise BadRequest(str(error)) from None
        except CommandRefused as error:
            raise Unprocessable(str(error)) from None
        return self.answer(submission)

    def answer(self, submission: Submission) -> Response:
        raise NotImplementedError


class QueuedView(CommandView):
    """One charger, not waited for."""

    def answer(self, submission: Submission) -> Response:
        [command] = submission.commands
        return Response(answers.queued(command), status.HTTP_202_ACCEPTED)


class FanOutView(CommandView):
    """One charger or many, not waited for."""

    def answer(self, submission: Submission) -> Response:
        return Response(answers.fan_out(submission), status.HTTP_202_ACCEPTED)


class ResultView(CommandView):
    """One charger, whose result is the answer."""

    def answer(self, submission: Submission) -> Response:
        waited = services.wait_for_commands(submission.commands, settings.COMMAND_WAIT)
        if not waited:
            raise NotFound("The charger was removed meanwhile.")
        [command] = waited
        if not command.is_final:
            command = services.give_up(command)
        if command.status == Status.APPLIED:
            return Response(command.result)
        if command.status == Status.REJECTED and self.definition.refusal_status == 400:
            raise BadRequest(command.detail)
        raise Unprocessable(answers.ending(command))


def view_of(definition: Definition) -> type[CommandView]:
    """The view of a command, described from its declaration."""
    if definition.result is not None:
        family: type[CommandView] = ResultView
        success: dict[int, Any] = {200: definition.result}
    elif definition.fan_out:
        family, success = FanOutView, {202: LocationCommandResponse}
    else:
        family, success = QueuedView, {202: QueuedCommandResponse}
    refuses = () if definition.refusal_status == 422 else (definition.refusal_status,)
    described = extend_schema_view(
        post=operation(
            f"commands.{definition.name}",
            definition.summary,
            success=success,
            errors=(*refuses, 401, 403, 404, 422, 500),
            request=body_of(definition),
        )
    )
    view = type(f"{family.__name__}Of", (family,), {"definition": definition})
    return described(view)


# --- How commands ended ---------------------------------------------------------------


def _own_commands(request: Request) -> QuerySet[Command]:
    own = Command.objects.filter(organization=organization_of(request))
    return own.select_related("charger")


@extend_schema_view(
    get=operation(
        "command_results.get",
        "Read how a command ended, or how far it is",
        success={200: CommandResult},
        errors=(401, 403, 404, 500),
    )
)
class CommandResultView(RetrieveAPIView):
    queryset = Command.objects.all()
    serializer_class = CommandResult
    lookup_field = "command_id"

    def get_queryset(self) -> QuerySet[Command]:
        return _own_commands(self.request)


class CommandResultListView(APIView):
    @operation(
        "command_results.list",
        "List commands and how they ended, newest first",
        success={200: CommandResultList},
        errors=(401, 403, 422, 500),
        parameters=[ResultQuery],
    )
    def get(self, request: Request) -> Response:
        asked = read_query(ResultQuery, request)
        limit = asked.pop("limit")
        commands = _own_commands(request).filter(**asked)[:limit]
        return Response({"data": CommandResult(commands, many=True).data})
