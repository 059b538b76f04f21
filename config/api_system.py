"""`/api/v1/system/…`: how the running system is, for admins (M02)."""

from django.db.models import Count
from django.urls import path
from django.utils import timezone
from rest_framework import serializers
from rest_framework.response import Response

from accounts.api.fields import Answer
from accounts.api.view import ApiRequest, ApiView, Staff, operation
from config import health
from markets.models import PriceFeed
from trading.models import Alert, Lease, Order, OrderChange


class PartAnswer(Answer):
    state = serializers.ChoiceField(choices=["up", "late", "down"])
    age_seconds = serializers.FloatField(allow_null=True)


class ProcessesAnswer(Answer):
    status = serializers.CharField()
    database = PartAnswer()
    redis = PartAnswer()
    worker = PartAnswer()
    beat = PartAnswer()
    feed = PartAnswer()
    dispatch = PartAnswer()
    halt = serializers.CharField(allow_null=True)
    unresolved = serializers.IntegerField(allow_null=True)


class QueuesAnswer(Answer):
    orders_by_state = serializers.DictField(child=serializers.IntegerField())
    changes_waiting = serializers.IntegerField()
    alerts_open = serializers.IntegerField()
    leases = serializers.ListField(child=serializers.CharField())


class FeedAnswer(Answer):
    source = serializers.CharField()  # type: ignore[assignment]  # a field called like an attribute of fields
    market_time = serializers.DateTimeField()
    heartbeat_at = serializers.DateTimeField()
    speed = serializers.IntegerField()
    keeps_sessions = serializers.BooleanField()


class FeedsAnswer(Answer):
    results = FeedAnswer(many=True)


class Processes(ApiView):
    permission_classes = [Staff]

    @operation("Processes and their signs of life", answer=ProcessesAnswer)
    def get(self, request: ApiRequest) -> Response:
        return Response(health.readiness(timezone.now())[0])


class Queues(ApiView):
    permission_classes = [Staff]

    @operation("What waits", answer=QueuesAnswer)
    def get(self, request: ApiRequest) -> Response:
        states = Order.objects.order_by().values_list("state").annotate(n=Count("pk"))
        return Response(
            {
                "orders_by_state": dict(states),
                "changes_waiting": OrderChange.objects.filter(outcome="waiting").count(),
                "alerts_open": Alert.objects.filter(closed_at=None).count(),
                "leases": [str(lease) for lease in Lease.objects.all()],
            }
        )


class Feeds(ApiView):
    permission_classes = [Staff]

    @operation("Price sources and their clocks", answer=FeedsAnswer)
    def get(self, request: ApiRequest) -> Response:
        return Response({"results": list(PriceFeed.objects.values(*FeedAnswer.names()))})


urlpatterns = [
    path("system/processes/", Processes.as_view()),
    path("system/queues/", Queues.as_view()),
    path("system/feeds/", Feeds.as_view()),
]
