-- A payout agrees with its withdrawal: one owner, also of the bank account; a state that fits the status; the fee, VAT and
-- duty of the row are what was held and, after a success, earned; and its cost is what was posted, less what the provider
-- gave back. A withdrawal without a payout was made before there were any.
WITH members AS (
    SELECT id AS payout_id, transaction_id, 'withdrawal' AS part FROM savings_payout
    UNION ALL
    SELECT p.id, f.id, 'fee'
    FROM savings_payout p JOIN savings_transaction f ON f.part_of_id = p.transaction_id AND f.kind = 'fee'
    UNION ALL
    SELECT p.id, r.id, 'reversal'
    FROM savings_payout p JOIN savings_transaction r ON r.reverses_id = p.transaction_id
),
booked AS (
    SELECT m.payout_id,
        SUM(CASE WHEN m.part = 'fee' AND e.code = 'hold' THEN e.amount_kobo ELSE 0 END) AS held,
        SUM(CASE WHEN m.part = 'fee' AND e.code = 'primary' THEN e.amount_kobo ELSE 0 END) AS earned,
        SUM(CASE WHEN m.part = 'fee' AND e.code = 'vat' THEN e.amount_kobo ELSE 0 END) AS vat,
        SUM(CASE WHEN m.part = 'fee' AND e.code = 'duty' THEN e.amount_kobo ELSE 0 END) AS duty,
        SUM(CASE WHEN m.part = 'withdrawal' AND e.code IN ('cost', 'duty') THEN e.amount_kobo
            WHEN m.part = 'reversal' AND e.code = 'cost' THEN -e.amount_kobo ELSE 0 END) AS cost
    FROM members m JOIN savings_entry e ON e.transaction_id = m.transaction_id
    GROUP BY m.payout_id
),
-- A fee of nothing but the duty has the duty as its primary entry.
compared AS (
    SELECT 'payout ' || t.reference AS name, t.kind, t.status, p.state, p.user_id, t.user_id AS payer_id,
        r.user_id AS payee_id, COALESCE(p.cost_kobo, 0) AS cost_kobo, COALESCE(b.cost, 0) AS cost,
        p.fee_kobo + p.vat_kobo + p.duty_kobo AS fees_kobo, COALESCE(b.held, 0) AS held,
        COALESCE(b.earned, 0) || ', ' || COALESCE(b.vat, 0) || ' and ' || COALESCE(b.duty, 0) AS earned,
        CASE WHEN t.status NOT IN {settled} THEN '0, 0 and 0'
            WHEN p.fee_kobo = 0 THEN p.duty_kobo || ', ' || p.vat_kobo || ' and 0'
            ELSE p.fee_kobo || ', ' || p.vat_kobo || ' and ' || p.duty_kobo END AS earned_due,
        CASE p.state WHEN 'paid' THEN 'success' WHEN 'returned' THEN 'failed' WHEN 'cancelled' THEN 'abandoned'
            WHEN 'came_back' THEN 'reversed' ELSE 'pending' END AS status_due
    FROM savings_payout p
    JOIN savings_transaction t ON t.id = p.transaction_id
    JOIN savings_recipient r ON r.id = p.recipient_id
    LEFT JOIN booked b ON b.payout_id = p.id
)
SELECT name, kind || ' of user ' || COALESCE(payer_id, 0) || ' to user ' || payee_id, 'a withdrawal of user ' || user_id || ' to user ' || user_id
FROM compared WHERE kind <> 'stash_withdrawal' OR COALESCE(payer_id, 0) <> user_id OR payee_id <> user_id
UNION ALL
SELECT name, state || ' and ' || status, state || ' and ' || status_due FROM compared WHERE status <> status_due
UNION ALL
SELECT name, held || ' of fees held', fees_kobo || ' of fees' FROM compared WHERE held <> fees_kobo
UNION ALL
SELECT name, 'fee, VAT and duty of ' || earned, earned_due FROM compared WHERE earned <> earned_due
UNION ALL
SELECT name, 'a cost of ' || cost_kobo, cost || ' posted' FROM compared WHERE cost_kobo <> cost
ORDER BY 1
