"""What an operator's answer makes of the step that asked."""

from engine.conduct.effects import End
from engine.model.plan import PlannedStep, StepRunId
from engine.model.status import Status


def answered(step: PlannedStep, run_id: StepRunId, answer: str) -> End:
    """The step is ok; one that asks for a proof only with the answer that gives it, else its gate stays closed."""
    wanted, result = step.args.get("proven_by"), {"answer": answer}
    if wanted is None:
        return End(id=run_id, status=Status.OK, why=f"answered: {answer}", result=result)
    proof = str(step.args["proves"])
    if answer != wanted:
        why = f"answered: {answer}, which does not give {proof}"
        return End(id=run_id, status=Status.BLOCKED, why=why, result=result)
    return End(id=run_id, status=Status.OK, why=f"answered: {answer}", result=result, proofs=(proof,))
