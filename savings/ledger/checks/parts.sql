-- The penalty of an early exit is a part of its move out of the same plan, posted in the same commit, and at most the
-- plan's share of all that was taken. The release before families tied the two by their references alone.
SELECT 'penalty ' || p.reference,
    p.amount_kobo || ' of plan ' || COALESCE(p.plan_id, 0) || ', part of ' || COALESCE(m.kind || ' ' || m.reference, 'nothing'),
    'at most ' || COALESCE((p.amount_kobo + m.amount_kobo) * x.penalty_bps / 10000, 0) || ', with the move out of its plan'
FROM savings_transaction p
LEFT JOIN savings_transaction tied ON p.part_of_id IS NULL AND tied.reference = 'PTS' || substr(p.reference, 4)
LEFT JOIN savings_transaction m ON m.id = COALESCE(p.part_of_id, tied.id)
LEFT JOIN savings_plan x ON x.id = p.plan_id
LEFT JOIN savings_entry charged ON charged.transaction_id = p.id AND charged.code = 'primary'
LEFT JOIN savings_entry l ON l.transaction_id = m.id AND l.code = 'primary'
WHERE p.kind = 'penalty' AND p.status IN {settled} AND (
    m.id IS NULL OR m.kind <> 'plan_to_stash' OR COALESCE(m.plan_id, 0) <> COALESCE(p.plan_id, 0)
    OR p.amount_kobo > (p.amount_kobo + m.amount_kobo) * x.penalty_bps / 10000
    OR {seconds_of_penalty} - {seconds_of_posting} NOT BETWEEN -60 AND 60
)
ORDER BY p.id
