package shop

import (
	"fmt"
	"strconv"
	"time"

	"golang.org/x/text/language"
)

// Language picks the page's language for an Accept-Language header: "en" or "ko".
func Language(accept string) string {
	if len(accept) > 1000 {
		return "en"
	}
	wanted, _, err := language.ParseAcceptLanguage(accept)
	if err != nil {
		return "en"
	}
	_, i, _ := language.NewMatcher([]language.Tag{language.English, language.Korean}).Match(wanted...)
	return [...]string{"en", "ko"}[i]
}

// T is a text in the page's language.
func (p *Page) T(name string, args ...any) string {
	pair, ok := texts(name)
	if !ok {
		pair, _ = texts("wrong_")
	}
	text := pair[0]
	if p.Lang == "ko" {
		text = pair[1]
	}
	if len(args) == 0 {
		return text
	}
	return fmt.Sprintf(text, args...)
}

// Number writes n with separators.
func (p *Page) Number(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// Duration writes how long something still takes, in its two largest units.
func (p *Page) Duration(d time.Duration) string {
	s := max(0, int64((d+time.Second-1)/time.Second))
	units := []struct {
		size   int64
		en, ko string
	}{{24 * 3600, " d", "일"}, {3600, " h", "시간"}, {60, " min", "분"}, {1, " s", "초"}}
	text := ""
	for i, u := range units {
		if s < u.size && i < len(units)-1 {
			continue
		}
		parts := units[i:min(i+2, len(units))]
		for j, u := range parts {
			if n := s / u.size; n > 0 || j == 0 {
				if j > 0 {
					text += " "
				}
				name := u.en
				if p.Lang == "ko" {
					name = u.ko
				}
				text += strconv.FormatInt(n, 10) + name
			}
			s %= u.size
		}
		break
	}
	return text
}

// texts returns a text in English and in Korean.
func texts(name string) ([2]string, bool) {
	switch name {
	case "shop":
		return [2]string{"Deals", "특가"}, true
	case "deals":
		return [2]string{"Today's deals", "오늘의 특가"}, true
	case "lead":
		return [2]string{"Limited stock. First come, first served.", "한정 수량, 선착순 판매입니다."}, true
	case "empty":
		return [2]string{"There is nothing on sale right now. Please come back later.", "지금은 판매 중인 상품이 없습니다. 나중에 다시 방문해 주세요."}, true
	case "all_deals":
		return [2]string{"All deals", "전체 특가"}, true
	case "state_live":
		return [2]string{"On sale", "판매 중"}, true
	case "state_scheduled":
		return [2]string{"Soon", "오픈 예정"}, true
	case "state_sold_out":
		return [2]string{"Sold out", "품절"}, true
	case "state_ended":
		return [2]string{"Ended", "종료"}, true
	case "opens_in":
		return [2]string{"Opens in %s", "%s 후 오픈"}, true
	case "ends_in":
		return [2]string{"Ends in %s", "%s 후 종료"}, true
	case "left_of":
		return [2]string{"%s of %s left", "%[2]s개 중 %[1]s개 남음"}, true
	case "all_reserved":
		return [2]string{"All reserved. What is not paid for comes back.", "모두 예약되었습니다. 결제되지 않은 수량은 다시 판매됩니다."}, true
	case "none_left":
		return [2]string{"None left", "남은 수량 없음"}, true
	case "per_buyer":
		return [2]string{"At most %d per buyer", "1인당 최대 %d개"}, true
	case "was":
		return [2]string{"List price", "정가"}, true
	case "now":
		return [2]string{"Price", "판매가"}, true
	case "save":
		return [2]string{"You save %s", "%s 할인"}, true
	case "quantity":
		return [2]string{"Quantity", "수량"}, true
	case "buy":
		return [2]string{"Buy now", "구매하기"}, true
	case "view":
		return [2]string{"View deal", "자세히 보기"}, true
	case "buy_note":
		return [2]string{"We hold it for you while you pay. Nothing is charged yet.", "결제하는 동안 수량을 확보해 드립니다. 아직 결제되지 않습니다."}, true
	default:
		return orderTexts(name)
	}
}

func orderTexts(name string) ([2]string, bool) {
	switch name {
	case "order":
		return [2]string{"Your order", "주문 내역"}, true
	case "number":
		return [2]string{"Order number", "주문 번호"}, true
	case "total":
		return [2]string{"Total", "합계"}, true
	case "status_reserved":
		return [2]string{"Reserved", "예약됨"}, true
	case "status_paid":
		return [2]string{"Paid", "결제 완료"}, true
	case "status_cancelled":
		return [2]string{"Cancelled", "취소됨"}, true
	case "status_expired":
		return [2]string{"Expired", "만료됨"}, true
	case "say_reserved":
		return [2]string{"It is held for you. Please pay within %s.", "상품을 확보했습니다. %s 안에 결제해 주세요."}, true
	case "say_paid":
		return [2]string{"Thank you! It is yours.", "감사합니다! 구매가 완료되었습니다."}, true
	case "say_cancelled":
		return [2]string{"You cancelled this order. Nothing was charged.", "주문을 취소했습니다. 결제된 금액은 없습니다."}, true
	case "say_expired":
		return [2]string{"It was not paid in time and went back on sale. Nothing is charged.", "시간 안에 결제되지 않아 다시 판매됩니다. 결제된 금액은 없습니다."}, true
	case "pay":
		return [2]string{"Pay %s", "%s 결제하기"}, true
	case "cancel":
		return [2]string{"Cancel order", "주문 취소"}, true
	case "keep":
		return [2]string{"This page belongs to this browser: keep it to come back.", "이 페이지는 이 브라우저에서만 볼 수 있습니다."}, true
	default:
		return wrongTexts(name)
	}
}

func wrongTexts(name string) ([2]string, bool) {
	switch name {
	case "wrong_sold-out":
		return [2]string{"Sold out just now.", "방금 품절되었습니다."}, true
	case "wrong_not-enough":
		return [2]string{"Fewer are left than you asked for.", "남은 수량이 부족합니다."}, true
	case "wrong_limit-reached":
		return [2]string{"You already have as many as one buyer can have.", "1인당 구매 한도에 도달했습니다."}, true
	case "wrong_not-open":
		return [2]string{"This deal has not opened yet.", "아직 오픈 전입니다."}, true
	case "wrong_ended":
		return [2]string{"This deal has ended.", "종료된 특가입니다."}, true
	case "wrong_no-such-deal":
		return [2]string{"There is no such deal.", "존재하지 않는 상품입니다."}, true
	case "wrong_no-such-order":
		return [2]string{"There is no such order in this browser.", "이 브라우저에서 확인할 수 없는 주문입니다."}, true
	case "wrong_lapsed":
		return [2]string{"The time to pay was over. What was paid is given back.", "결제 시간이 지났습니다. 결제된 금액은 환불됩니다."}, true
	case "wrong_payment-declined":
		return [2]string{"The payment was declined. It is still held for you: please try again.", "결제가 거절되었습니다. 상품은 아직 확보되어 있으니 다시 시도해 주세요."}, true
	case "wrong_order-closed":
		return [2]string{"This order cannot be changed any more.", "더 이상 변경할 수 없는 주문입니다."}, true
	case "wrong_order-busy":
		return [2]string{"This order is being paid right now.", "결제가 진행 중입니다."}, true
	case "wrong_bad-quantity":
		return [2]string{"Please choose how many.", "수량을 선택해 주세요."}, true
	case "wrong_key-reused":
		return [2]string{"This form was used already. Please look at the deal again.", "이미 사용된 양식입니다. 다시 시도해 주세요."}, true
	case "wrong_not-found":
		return [2]string{"There is nothing here.", "페이지를 찾을 수 없습니다."}, true
	case "wrong_":
		return [2]string{"That did not work. Please try again in a moment.", "처리하지 못했습니다. 잠시 후 다시 시도해 주세요."}, true
	}
	return [2]string{}, false
}
