//! A run that holds rows is killed: after the next one the list is exact.

use syncline::event::Point;
use syncline_testkit::process;

use super::shop::{Lane, Shop};
use crate::prove::victim::{self, Place, Work};

#[test]
fn after_a_kill_the_list_is_exact() {
    for lane in [Lane::Load, Lane::Differences] {
        for point in Point::ALL {
            let is_once = matches!(point, Point::Decided | Point::Sealed | Point::Forgotten);
            // A load is one transaction for each of the three tables.
            for nth in if is_once { [1].as_slice() } else { &[1, 3] } {
                kill(lane, Place { point, nth: *nth });
            }
        }
    }
}

fn kill(lane: Lane, place: Place) {
    let shop = Shop::new(1_200, lane);
    let scene = &shop.scene;
    let expected = shop.held();
    let (source, target) = (scene.path("a.db"), scene.path("b.db"));
    let work = Work::Mirror(&source, &target, 100);
    let killed = victim::start(&scene.path(""), &scene.path("state"), Some(place), work).finish(process::DEADLINE);
    assert_eq!(killed.code, None, "{lane:?} {place:?} was not reached: {}{}", killed.stdout, killed.stderr);
    if matches!(place.point, Point::Sealed | Point::Forgotten) {
        // Everything was in the target, so everything that was held is on the list at once.
        shop.check_list(&expected);
    }
    // Before that, never more shows than is durable; the next run has the rest.
    let said = scene.run("mirror a.db b.db --max-delete 100% --batch-size 100");
    assert_eq!(said.code, Some(3), "{lane:?} {place:?} {}{}", said.out, said.err);
    shop.check_list(&expected);
    shop.mend();
    scene.ok("conflicts retry");
    assert_eq!(scene.run("diff a.db b.db --exit-code").code, Some(0), "{lane:?} {place:?}");
}
