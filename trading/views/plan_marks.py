"""What a plan did and decided, as marks for the chart of its instrument. The tables of its page say the same in words."""

from uuid import UUID

from django.http import JsonResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_GET

from trading.models import PlanEvaluation, SwingPlan
from trading.views.access import PersonRequest, signed_in
from trading.views.charts import marks_as_data


@require_GET
@signed_in
def plan_marks(request: PersonRequest, plan_id: UUID) -> JsonResponse:
    """Marks of the person's own plan, and the prices at which its orders wait."""
    plan = get_object_or_404(SwingPlan.objects.for_user(request.user).select_related("instrument"), pk=plan_id)
    return marks_as_data(plan.instrument, plan.orders.all(), PlanEvaluation.objects.filter(plan=plan))
